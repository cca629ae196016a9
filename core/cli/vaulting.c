/* Vault secrets from options. */
#include "cli/vaulting.h"

struct vault_sources vaulting_sources(const struct vault_options *options)
{
	return (struct vault_sources){
		.ids = options->ids.items, .id_count = options->ids.count,
		.files = options->files.items, .file_count = options->files.count,
		.ask = options->ask,
	};
}
