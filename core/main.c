/* argv to the command table, nothing else. */
#include <stdio.h>

int main(void)
{
	fputs("neap " NEAP_VERSION "\n", stdout);
	return 0;
}
