/* gcov writes its counts when a program ends, which a library loaded by Python does not notice. */
void __gcov_dump(void);
void coverage_dump(void);

void coverage_dump(void) { __gcov_dump(); }
