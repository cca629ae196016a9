/* Chance that a seed decides, as Python's random.Random has it: the Mersenne Twister MT19937 of Matsumoto and Nishimura (1998),
 * so that a job that was spread by random(seed=inventory_hostname) stays where it was. */
#include "lua/native_random.h"

#include <stdint.h>

#include <lauxlib.h>

#include "lua/vm.h"

enum {
	WORDS = 624,
	MIDDLE = 397,
	SEED_COST = 2000,   /* what making a generator costs of the budget */
	SEED_MAX = 1 << 20, /* bytes of a seed */
};

struct native_random {
	uint32_t words[WORDS];
	int at;
};

static void random_start(struct native_random *random, uint32_t seed)
{
	random->words[0] = seed;
	for (uint32_t i = 1; i < WORDS; i++)
		random->words[i] = 1812433253U * (random->words[i - 1] ^ random->words[i - 1] >> 30) + i;
	random->at = WORDS;
}

/* The word of a seed of big-endian bytes at place i, from its end. */
static uint32_t random_key(const unsigned char *seed, size_t length, size_t i)
{
	uint32_t key = 0;
	for (size_t byte = 4; byte-- > 0;)
		key = key << 8 | (i * 4 + byte < length ? seed[length - 1 - (i * 4 + byte)] : 0);
	return key;
}

static void random_seed(struct native_random *random, const unsigned char *seed, size_t length)
{
	while (length > 0 && *seed == 0) {
		seed++;
		length--;
	}
	const size_t keys = length > 0 ? (length + 3) / 4 : 1;
	uint32_t *words = random->words;
	size_t i = 1, key = 0;
	random_start(random, 19650218);
	for (size_t left = keys > WORDS ? keys : WORDS; left > 0; left--) {
		words[i] = (words[i] ^ (words[i - 1] ^ words[i - 1] >> 30) * 1664525U) + random_key(seed, length, key) + (uint32_t)key;
		key = key + 1 < keys ? key + 1 : 0;
		if (++i == WORDS) {
			words[0] = words[WORDS - 1];
			i = 1;
		}
	}
	for (size_t left = WORDS - 1; left > 0; left--) {
		words[i] = (words[i] ^ (words[i - 1] ^ words[i - 1] >> 30) * 1566083941U) - (uint32_t)i;
		if (++i == WORDS) {
			words[0] = words[WORDS - 1];
			i = 1;
		}
	}
	words[0] = 0x80000000;
}

static uint32_t random_word(struct native_random *random)
{
	uint32_t *words = random->words;
	if (random->at == WORDS) {
		for (int i = 0; i < WORDS; i++) {
			uint32_t both = (words[i] & 0x80000000) | (words[(i + 1) % WORDS] & 0x7fffffff);
			words[i] = words[(i + MIDDLE) % WORDS] ^ both >> 1 ^ (both & 1 ? 0x9908b0df : 0);
		}
		random->at = 0;
	}
	uint32_t word = words[random->at++];
	word ^= word >> 11;
	word ^= word << 7 & 0x9d2c5680;
	word ^= word << 15 & 0xefc60000;
	return word ^ word >> 18;
}

static uint64_t random_bits(struct native_random *random, int count)
{
	if (count <= 32)
		return random_word(random) >> (32 - count);
	uint64_t low = random_word(random);
	return low | (uint64_t)(random_word(random) >> (64 - count)) << 32;
}

/* generator(n): the next number from 0 to n - 1. */
static int random_next(lua_State *state)
{
	struct native_random *random = lua_touserdata(state, lua_upvalueindex(1));
	lua_Integer below = luaL_checkinteger(state, 1);
	uint64_t number;
	int bits = 0;
	luaL_argcheck(state, below > 0, 1, "it must be above 0");
	while (bits < 64 && (uint64_t)below >> bits)
		bits++;
	do
		number = random_bits(random, bits);
	while (number >= (uint64_t)below);
	lua_pushinteger(state, (lua_Integer)number);
	return 1;
}

/* random_seeded(bytes): a generator for a whole number, given by its bytes, the highest first. */
static int random_seeded(lua_State *state)
{
	size_t length;
	const char *seed = luaL_checklstring(state, 1, &length);
	if (length > SEED_MAX)
		return luaL_error(state, "a seed is longer than %d bytes", SEED_MAX);
	vm_spend(state, SEED_COST + (int64_t)length);
	struct native_random *random = lua_newuserdatauv(state, sizeof(*random), 0);
	random_seed(random, (const unsigned char *)seed, length);
	lua_pushcclosure(state, random_next, 1);
	return 1;
}

void native_random_open(lua_State *state)
{
	lua_pushcfunction(state, random_seeded);
	lua_setfield(state, -2, "random_seeded");
}
