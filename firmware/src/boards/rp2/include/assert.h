/* Of this header the portable part uses one word (memory.c says why there is no C library). */
#ifndef ASSERT_H
#define ASSERT_H

#define static_assert _Static_assert

#endif
