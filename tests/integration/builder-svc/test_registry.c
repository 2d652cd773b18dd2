/* The registry client against Debian's docker-registry: open, with a password file, with a token
 * service; and Amazon's tokens. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "builder-svc/ecr.h"
#include "builder-svc/registry.h"
#include "lib/base/arena.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/str.h"
#include "tests/support/unit.h"

#define REPOSITORY "gw/shop/online-store"
#define MANIFEST_TYPE "application/vnd.docker.distribution.manifest.v2+json"
/* user:s3cret */
#define BASIC "Authorization: Basic dXNlcjpzM2NyZXQ="

enum {
	START_MS = 10000
};

struct fixture {
	struct arena *arena;
	char *dir;
	int port;
	pid_t registry;
	pid_t tokens; /* or Amazon's API */
	char *digest;
};

static const struct login anonymous = { NULL, NULL };
static const struct login right = { "user", "s3cret" };
static const struct login wrong = { "user", "guess" };

static char *sh(struct arena *a, const char *command)
{
	FILE *f = popen(command, "re");
	struct str out;
	char chunk[4096];
	size_t n;

	str_init(&out, a, 1 << 20);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		str_addn(&out, chunk, n);
	if (pclose(f) != 0)
		fail_msg("failed: %s", command);
	while (out.len > 0 && out.ptr[out.len - 1] == '\n')
		out.ptr[--out.len] = '\0';
	return out.ptr;
}

static int listener(int *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

/* ---- a token service: one token for whoever has the password ---- */

static void answer(int fd, const char *token)
{
	char request[8192] = "";
	size_t n = 0;
	ssize_t got;

	while (!strstr(request, "\r\n\r\n") && n < sizeof(request) - 1 &&
		(got = read(fd, request + n, sizeof(request) - 1 - n)) > 0)
		n += (size_t)got;
	if (strstr(request, BASIC) &&
		strstr(request, "scope=repository%3Agw%2Fshop%2Fonline-store%3Apull"))
		dprintf(fd,
			"HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n{\"token\":\"%s\"}",
			strlen(token) + 12, token);
	else
		dprintf(fd,
			"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	close(fd);
}

static pid_t serve_tokens(int fd, const char *token)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0) {
		close(fd);
		return pid;
	}
	for (;;)
		answer(accept(fd, NULL, NULL), token);
}

/* Signed with the key whose certificate the registry trusts. */
static char *make_token(struct fixture *f)
{
	return sh(f->arena,
		arena_printf(f->arena,
			"cd %s; b() { base64 -w0 | tr '+/' '-_' | tr -d =; }; "
			"openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 "
			"-subj /CN=tokens 2>/dev/null; "
			"head=$(printf '{\"typ\":\"JWT\",\"alg\":\"RS256\",\"x5c\":[\"%%s\"]}' "
			"\"$(openssl x509 -in cert.pem -outform DER | base64 -w0)\" | b); "
			"now=$(date +%%s); "
			"body=$(printf '{\"iss\":\"tokens\",\"sub\":\"user\",\"aud\":\"reg\",\"exp\":%%s,\"nbf\":%%s,"
			"\"iat\":%%s,\"jti\":\"1\",\"access\":[{\"type\":\"repository\",\"name\":\"" REPOSITORY
			"\",\"actions\":[\"pull\",\"push\"]}]}' $((now+300)) $((now-60)) $now | b); "
			"printf %%s \"$head.$body\" | openssl dgst -sha256 -sign key.pem -binary | b | "
			"sed \"s/^/$head.$body./\"",
			f->dir));
}

/* ---- the registry ---- */

static void run_registry(struct fixture *f, const char *auth)
{
	int fd = listener(&f->port);
	char *config = arena_printf(f->arena, "%s/config.yml", f->dir);
	FILE *out = fopen(config, "we");

	fprintf(out,
		"version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s/data}}\n"
		"http: {addr: '127.0.0.1:%d'}\n%s",
		f->dir, f->port, auth);
	fclose(out);
	close(fd);
	f->registry = fork();
	if (f->registry == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execlp("docker-registry", "docker-registry", "serve", config, (char *)NULL);
		_exit(127);
	}
}

static bool look(struct fixture *f, const char *tag, struct login login,
	struct registry_answer *ret, struct err *err)
{
	struct image image;
	char *name = arena_printf(f->arena, "127.0.0.1:%d/" REPOSITORY ":%s", f->port, tag);

	assert_true(image_parse(f->arena, name, &image, err));
	return registry_look(f->arena, &image, true, login, ret, err);
}

static void wait_for_registry(struct fixture *f)
{
	struct clock_ops clock = clock_real();
	int64_t end = clock.now_ms(NULL) + START_MS;
	struct registry_answer answer;

	for (;;) {
		struct err err = { .code = ERR_NONE };

		if (look(f, "x", anonymous, &answer, &err) || err.code == ERR_DENIED)
			return;
		if (clock.now_ms(NULL) > end)
			fail_msg("docker-registry does not answer: %s", err.msg);
		usleep(20 * 1000);
	}
}

/* The smallest image there is: a configuration and no layers. */
static void push(struct fixture *f, const char *authorization)
{
	char *url = arena_printf(f->arena, "http://127.0.0.1:%d/v2/" REPOSITORY, f->port);

	f->digest = sh(f->arena,
		arena_printf(f->arena,
			"cd %s; set -e; printf '{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":"
			"{\"type\":\"layers\",\"diff_ids\":[]}}' >blob; d=sha256:$(sha256sum blob | cut -c1-64); "
			"at=$(curl -sSf -D - -o /dev/null -H '%s' -X POST %s/blobs/uploads/ | tr -d '\\r' | sed -n 's/^Location: //Ip'); "
			"curl -sSf -H '%s' -X PUT --data-binary @blob -H 'Content-Type: application/octet-stream' \"$at&digest=$d\"; "
			"printf '{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_TYPE
			"\",\"config\":{\"mediaType\":\"application/vnd.docker.container.image.v1+json\","
			"\"size\":%%s,\"digest\":\"%%s\"},\"layers\":[]}' $(wc -c <blob) $d >manifest; "
			"curl -sSf -H '%s' -X PUT --data-binary @manifest -H 'Content-Type: " MANIFEST_TYPE
			"' %s/manifests/v1; echo sha256:$(sha256sum manifest | cut -c1-64)",
			f->dir, authorization, url, authorization, authorization, url));
}

static void start(struct fixture *f, struct arena *a, const char *auth)
{
	*f = (struct fixture){ .arena = a, .dir = sh(a, "mktemp -d") };
	run_registry(f, auth);
	wait_for_registry(f);
}

static void stop(struct fixture *f)
{
	if (f->registry > 0)
		kill(f->registry, SIGKILL);
	if (f->tokens > 0)
		kill(f->tokens, SIGKILL);
	while (wait(NULL) > 0)
		;
	sh(f->arena, arena_printf(f->arena, "rm -rf %s", f->dir));
}

/* ---- */

static void an_open_registry_says_what_it_has(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct registry_answer answer;
	struct err err = { .code = ERR_NONE };
	struct fixture f;

	(void)state;
	start(&f, a, "");
	push(&f, "X-Nothing: x");
	assert_true(look(&f, "v1", anonymous, &answer, &err));
	assert_true(answer.present);
	assert_string_equal(answer.digest, f.digest);
	assert_true(look(&f, "v2", anonymous, &answer, &err));
	assert_false(answer.present);
	assert_null(answer.digest);
	/* Credentials that nobody asks for do no harm. */
	assert_true(look(&f, "v1", wrong, &answer, &err));
	stop(&f);
}

static void a_password_is_given_when_asked_for(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct registry_answer answer;
	struct err err = { .code = ERR_NONE };
	struct fixture f;
	char *passwords;

	(void)state;
	passwords = sh(a, "mktemp");
	sh(a, arena_printf(a, "htpasswd -bnB -C 5 user s3cret >%s", passwords));
	start(&f, a, arena_printf(a, "auth: {htpasswd: {realm: test, path: '%s'}}\n", passwords));
	push(&f, BASIC);
	assert_true(look(&f, "v1", right, &answer, &err));
	assert_string_equal(answer.digest, f.digest);
	assert_true(look(&f, "v2", right, &answer, &err));
	assert_false(answer.present);

	assert_false(look(&f, "v1", wrong, &answer, &err));
	assert_int_equal(err.code, ERR_DENIED);
	assert_non_null(strstr(err.msg, "refuses user \"user\""));
	assert_null(strstr(err.msg, "guess"));
	assert_false(look(&f, "v1", anonymous, &answer, &err));
	assert_int_equal(err.code, ERR_DENIED);
	assert_non_null(strstr(err.msg, "none is configured"));
	stop(&f);
	sh(a, arena_printf(a, "rm -f %s", passwords));
}

static void a_token_is_fetched_when_asked_for(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct registry_answer answer;
	struct err err = { .code = ERR_NONE };
	struct fixture f = { .arena = a, .dir = sh(a, "mktemp -d") };
	int port;
	int fd = listener(&port);
	char *token = make_token(&f);

	(void)state;
	f.tokens = serve_tokens(fd, token);
	run_registry(&f, arena_printf(a,
				 "auth: {token: {realm: 'http://127.0.0.1:%d/token', service: reg, "
				 "issuer: tokens, rootcertbundle: '%s/cert.pem'}}\n",
				 port, f.dir));
	wait_for_registry(&f);
	push(&f, arena_printf(a, "Authorization: Bearer %s", token));
	assert_true(look(&f, "v1", right, &answer, &err));
	assert_string_equal(answer.digest, f.digest);
	assert_true(look(&f, "v2", right, &answer, &err));
	assert_false(answer.present);
	assert_false(look(&f, "v1", wrong, &answer, &err));
	assert_int_equal(err.code, ERR_DENIED);
	stop(&f);
}

/* ---- Amazon: its API by moto, which verifies signatures and rights once there is a user ---- */

#define MOTO "build/tools/moto/bin/moto_server"
/* An answer's XML as an AWS credentials file. */
#define AS_CREDENTIALS                                                                                     \
	" | tr '<>' '\\n\\n' | awk 'p == \"AccessKeyId\" {print \"[default]\\naws_access_key_id = \" $0} " \
	"p == \"SecretAccessKey\" {print \"aws_secret_access_key = \" $0} "                                \
	"p == \"SessionToken\" {print \"aws_session_token = \" $0} {p = $0}'"
#define MAY_HAVE_TOKENS                                                                            \
	"'PolicyDocument={\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","        \
	"\"Action\":\"ecr:GetAuthorizationToken\",\"Resource\":\"*\"}]}'"
#define IAM "curl -sf --aws-sigv4 aws:amz:us-east-1:iam --user x:y -d Version=2010-05-08 "
#define STS "curl -sf --aws-sigv4 aws:amz:us-east-1:sts --user x:y -d Version=2011-06-15 "
/* What moto gives to whoever may have it. */
#define ECR_PASSWORD "123456789012-auth-token"

static char *run_amazon(struct fixture *f)
{
	int port;
	int fd = listener(&port);
	char *url = arena_printf(f->arena, "http://127.0.0.1:%d", port);

	close(fd);
	f->tokens = fork();
	if (f->tokens == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		setenv("INITIAL_NO_AUTH_ACTION_COUNT", "3", 1); /* those that make somebody */
		execl(MOTO, MOTO, "-H", "127.0.0.1", "-p", strrchr(url, ':') + 1, (char *)NULL);
		_exit(127);
	}
	sh(f->arena,
		arena_printf(f->arena,
			"for i in $(seq 600); do curl -s -o /dev/null %s/moto-api/ && exit; sleep 0.1; done; exit 1",
			url));
	return url;
}

/* Somebody who may have tokens, and nothing else. */
static char *make_user(struct fixture *f, const char *amazon)
{
	return sh(
		f->arena, arena_printf(f->arena,
				  "set -e; " IAM
				  "-d Action=CreateUser -d UserName=builder %s >/dev/null; " IAM
				  "-d Action=PutUserPolicy -d UserName=builder -d PolicyName=p "
				  "--data-urlencode " MAY_HAVE_TOKENS " %s >/dev/null; " IAM
				  "-d Action=CreateAccessKey -d UserName=builder %s" AS_CREDENTIALS,
				  amazon, amazon, amazon));
}

/* The same as a role that somebody plays for an hour. */
static char *play_role(struct fixture *f, const char *amazon)
{
	return sh(f->arena,
		arena_printf(f->arena,
			"set -e; " IAM "-d Action=CreateRole -d RoleName=builder --data-urlencode "
			"'AssumeRolePolicyDocument={\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
			"\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":\"sts:AssumeRole\"}]}' "
			"%s >/dev/null; " IAM
			"-d Action=PutRolePolicy -d RoleName=builder -d PolicyName=p "
			"--data-urlencode " MAY_HAVE_TOKENS " %s >/dev/null; " STS
			"-d Action=AssumeRole -d RoleArn=arn:aws:iam::123456789012:role/builder "
			"-d RoleSessionName=s %s" AS_CREDENTIALS,
			amazon, amazon, amazon));
}

static bool get_token(struct fixture *f, const char *amazon, const char *credentials,
	struct ecr_token *ret, struct err *err)
{
	struct ecr_place place;
	struct aws_key key;

	assert_true(ecr_place_of(
		f->arena, "123456789012.dkr.ecr.eu-central-1.amazonaws.com", amazon, &place, err));
	assert_true(aws_key_read(f->arena, credentials, strlen(credentials), &key, err));
	return ecr_token_get(f->arena, &place, &key, ret, err);
}

static void amazons_token_opens_its_registry(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct registry_answer answer;
	struct err err = { .code = ERR_NONE };
	struct ecr_token token;
	struct fixture f;
	char *passwords = sh(a, "mktemp");
	char *amazon;
	char *credentials;

	(void)state;
	sh(a, arena_printf(a, "htpasswd -bnB -C 5 " ECR_USER " " ECR_PASSWORD " >%s", passwords));
	start(&f, a, arena_printf(a, "auth: {htpasswd: {realm: ecr, path: '%s'}}\n", passwords));
	push(&f, arena_printf(a, "Authorization: Basic %s",
			 base64_encode(
				 a, ECR_USER ":" ECR_PASSWORD, strlen(ECR_USER ":" ECR_PASSWORD))));
	amazon = run_amazon(&f);
	credentials = make_user(&f, amazon);

	if (!get_token(&f, amazon, credentials, &token, &err))
		fail_msg("%s", err.msg);
	assert_true(token.expires_at > 0);
	assert_true(look(&f, "v1", (struct login){ ECR_USER, token.password }, &answer, &err));
	assert_string_equal(answer.digest, f.digest);
	assert_true(look(&f, "v2", (struct login){ ECR_USER, token.password }, &answer, &err));
	assert_false(answer.present);

	/* The signature is what counts. */
	assert_false(get_token(&f, amazon, arena_printf(a, "%sX", credentials), &token, &err));
	assert_int_equal(err.code, ERR_DENIED);
	assert_non_null(strstr(err.msg, "Amazon refuses access key \"AKIA"));
	assert_null(strstr(err.msg, strrchr(credentials, ' ') + 1));
	assert_false(get_token(&f, amazon,
		"aws_access_key_id=AKIAUNKNOWN\naws_secret_access_key=x\n", &token, &err));
	assert_int_equal(err.code, ERR_DENIED);
	stop(&f);
	sh(a, arena_printf(a, "rm -f %s", passwords));
}

static void a_temporary_key_brings_its_session(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err = { .code = ERR_NONE };
	struct fixture f = { .arena = a, .dir = sh(a, "mktemp -d") };
	char *amazon = run_amazon(&f);
	char *credentials = play_role(&f, amazon);
	struct ecr_token token;

	(void)state;
	if (!get_token(&f, amazon, credentials, &token, &err))
		fail_msg("%s", err.msg);
	assert_string_equal(token.password, ECR_PASSWORD);
	assert_false(get_token(&f, amazon, arena_printf(a, "%sX", credentials), &token, &err));
	assert_int_equal(err.code, ERR_DENIED);
	stop(&f);
}

static void an_amazon_that_is_away_is_unavailable(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct err err = { .code = ERR_NONE };
	struct fixture f = { .arena = a };
	struct ecr_token token;

	(void)state;
	close(listener(&f.port));
	assert_false(get_token(&f, arena_printf(a, "http://127.0.0.1:%d", f.port),
		"aws_access_key_id=A\naws_secret_access_key=x\n", &token, &err));
	assert_int_equal(err.code, ERR_UNAVAILABLE);
}

/* ---- */

static void a_registry_that_is_down_is_unavailable(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct registry_answer answer;
	struct err err = { .code = ERR_NONE };
	struct fixture f = { .arena = a };

	(void)state;
	close(listener(&f.port));
	assert_false(look(&f, "v1", anonymous, &answer, &err));
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(
		err.msg, arena_printf(a, "registry 127.0.0.1:%d cannot be reached", f.port)));
}

static void a_registry_that_hangs_costs_seconds_not_minutes(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct clock_ops clock = clock_real();
	int64_t before = clock.now_ms(NULL);
	struct registry_answer answer;
	struct err err = { .code = ERR_NONE };
	struct fixture f = { .arena = a };
	int fd = listener(&f.port);

	(void)state;
	assert_false(look(&f, "v1", anonymous, &answer, &err));
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_true(clock.now_ms(NULL) - before < 6000);
	close(fd);
}

static void a_server_that_is_no_registry_is_unavailable(void **state)
{
	AUTO(arena_auto) struct arena *a = arena_new();
	struct registry_answer answer;
	struct err err = { .code = ERR_NONE };
	struct fixture f = { .arena = a };
	int fd = listener(&f.port);

	(void)state;
	f.tokens = fork();
	if (f.tokens == 0) {
		int c = accept(fd, NULL, NULL);

		dprintf(c, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
		pause();
	}
	assert_false(look(&f, "v1", anonymous, &answer, &err));
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(err.msg, "HTTP 503"));
	kill(f.tokens, SIGKILL);
	waitpid(f.tokens, NULL, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_open_registry_says_what_it_has),
		cmocka_unit_test(a_password_is_given_when_asked_for),
		cmocka_unit_test(a_token_is_fetched_when_asked_for),
		cmocka_unit_test(amazons_token_opens_its_registry),
		cmocka_unit_test(a_temporary_key_brings_its_session),
		cmocka_unit_test(an_amazon_that_is_away_is_unavailable),
		cmocka_unit_test(a_registry_that_is_down_is_unavailable),
		cmocka_unit_test(a_registry_that_hangs_costs_seconds_not_minutes),
		cmocka_unit_test(a_server_that_is_no_registry_is_unavailable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
