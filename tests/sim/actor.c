#include "tests/sim/actor.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define WITH_ASAN 1
#else
#define WITH_ASAN 0
#endif

enum {
	STACK_BYTES = 1024 * 1024
};

struct actor {
	const char *name;
	void (*run)(void *arg);
	void *arg;
	ucontext_t inside;
	ucontext_t outside;
	char *stack;
	bool alive;
	void *fake_stack; /* of the sanitizer */
	const void *outer_stack;
	size_t outer_size;
};

struct actor *actor_new(const char *name, void (*run)(void *arg), void *arg)
{
	struct actor *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	a->name = name;
	a->run = run;
	a->arg = arg;
	a->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (a->stack == MAP_FAILED)
		abort();
	return a;
}

void actor_free(struct actor *a)
{
	if (!a)
		return;
	actor_kill(a);
	munmap(a->stack, STACK_BYTES);
	free(a);
}

const char *actor_name(const struct actor *a)
{
	return a->name;
}

static void enter_inside(struct actor *a)
{
#if WITH_ASAN
	__sanitizer_finish_switch_fiber(a->fake_stack, &a->outer_stack, &a->outer_size);
#else
	(void)a;
#endif
}

static void begin(unsigned int high, unsigned int low)
{
	struct actor *a = (struct actor *)((uintptr_t)high << 32 | (uintptr_t)low);

	enter_inside(a);
	a->run(a->arg);
	abort(); /* an actor runs for ever */
}

static void start(struct actor *a)
{
	uintptr_t self = (uintptr_t)a;

	if (getcontext(&a->inside) != 0)
		abort();
	a->inside.uc_stack.ss_sp = a->stack;
	a->inside.uc_stack.ss_size = STACK_BYTES;
	a->inside.uc_link = NULL;
	a->fake_stack = NULL;
	makecontext(&a->inside, (void (*)(void))begin, 2, (unsigned int)(self >> 32),
		(unsigned int)(self & 0xffffffffu));
	a->alive = true;
}

void actor_resume(struct actor *a)
{
	if (!a->alive)
		start(a);
#if WITH_ASAN
	void *outer_fake = NULL;

	__sanitizer_start_switch_fiber(&outer_fake, a->stack, STACK_BYTES);
#endif
	if (swapcontext(&a->outside, &a->inside) != 0)
		abort();
#if WITH_ASAN
	__sanitizer_finish_switch_fiber(outer_fake, NULL, NULL);
#endif
}

void actor_wait(struct actor *a)
{
#if WITH_ASAN
	__sanitizer_start_switch_fiber(&a->fake_stack, a->outer_stack, a->outer_size);
#endif
	if (swapcontext(&a->inside, &a->outside) != 0)
		abort();
	enter_inside(a);
}

void actor_kill(struct actor *a)
{
#if WITH_ASAN
	if (a->alive)
		__asan_unpoison_memory_region(a->stack, STACK_BYTES);
#endif
	a->alive = false;
}

bool actor_is_alive(const struct actor *a)
{
	return a->alive;
}
