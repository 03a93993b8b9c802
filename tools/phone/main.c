#include "tools/phone/run.h"

int main(int argc, char **argv)
{
	return phone_run(argc, argv);
}
