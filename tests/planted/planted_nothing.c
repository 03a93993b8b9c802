/* Wrong on purpose: a test program in which no case runs must turn the run red. */
int main(void)
{
	return 0;
}
