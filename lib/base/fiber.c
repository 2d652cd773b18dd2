#include "lib/base/fiber.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "lib/base/attr.h"

/* A sanitizer must be told of every change of the stack, and so must valgrind of every stack. */
#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif

enum {
	STACK_BYTES = 1024 * 1024, /* touched pages only cost memory */
};

struct fiber {
	ucontext_t here; /* where it waits */
	ucontext_t back; /* who resumed it */
	char *stack;	 /* behind a page that nobody may touch */
	size_t guard;
	void (*fn)(void *arg);
	void *arg;
	bool running; /* started, not ended */
	void *fake_stack;
	const void *back_stack;
	size_t back_size;
};

/* The innermost that runs; one thread has fibers. */
static struct fiber *current;

static void leave_stack(void **fake UNUSED, const void *to UNUSED, size_t n UNUSED)
{
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(fake, to, n);
#endif
}

static void enter_stack(void *fake UNUSED, const void **from UNUSED, size_t *n UNUSED)
{
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(fake, from, n);
#endif
}

struct fiber *fiber_new(void)
{
	struct fiber *f = calloc(1, sizeof(*f));
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory;

	if (!f)
		abort();
	memory = mmap(NULL, page + STACK_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED || mprotect(memory, page, PROT_NONE) != 0)
		abort();
	f->guard = page;
	f->stack = memory + page;
#ifdef VALGRIND_STACK_REGISTER
	(void)VALGRIND_STACK_REGISTER(f->stack, f->stack + STACK_BYTES);
#endif
	return f;
}

void fiber_free(struct fiber *f)
{
	if (!f)
		return;
	assert(!f->running);
	(void)munmap(f->stack - f->guard, f->guard + STACK_BYTES);
	free(f);
}

static void run(void)
{
	struct fiber *f = current;

	enter_stack(NULL, &f->back_stack, &f->back_size);
	f->fn(f->arg);
	f->running = false;
	leave_stack(NULL, f->back_stack, f->back_size);
	(void)setcontext(&f->back);
	abort();
}

bool fiber_resume(struct fiber *f)
{
	struct fiber *outer = current;
	void *fake = NULL;

	assert(f != outer && f->running);
	current = f;
	leave_stack(&fake, f->stack, STACK_BYTES);
	if (swapcontext(&f->back, &f->here) != 0)
		abort();
	enter_stack(fake, NULL, NULL);
	current = outer;
	return f->running;
}

bool fiber_start(struct fiber *f, void (*fn)(void *arg), void *arg)
{
	assert(!f->running);
	if (getcontext(&f->here) != 0)
		abort();
	f->here.uc_stack.ss_sp = f->stack;
	f->here.uc_stack.ss_size = STACK_BYTES;
	f->here.uc_link = NULL;
	makecontext(&f->here, run, 0);
	f->fn = fn;
	f->arg = arg;
	f->running = true;
	return fiber_resume(f);
}

void fiber_drop(struct fiber *f)
{
	assert(f != current);
#ifdef WITH_ASAN
	__asan_unpoison_memory_region(f->stack, STACK_BYTES);
#endif
	f->running = false;
	f->fake_stack = NULL;
}

struct fiber *fiber_self(void)
{
	return current;
}

bool fiber_inside(void)
{
	return current != NULL;
}

void fiber_wait(void)
{
	struct fiber *f = current;

	assert(f);
	leave_stack(&f->fake_stack, f->back_stack, f->back_size);
	if (swapcontext(&f->here, &f->back) != 0)
		abort();
	enter_stack(f->fake_stack, &f->back_stack, &f->back_size);
}

void fiber_rest(struct fiber *f)
{
	if (!f->running)
		(void)madvise(f->stack, STACK_BYTES, MADV_DONTNEED);
}
