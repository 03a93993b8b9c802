#ifndef PHONE_RUN_H
#define PHONE_RUN_H
/* The whole program; main() only calls it, so that tests can, too. */

int phone_run(int argc, char **argv);

#endif
