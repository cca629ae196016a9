/* argv to the command table, nothing else. */
#include "cli/command.h"

int main(int argc, char **argv) { return commands_main(argc, argv); }
