/* An object that has no kqueue itself, and is linked with one that has: it is no subject. */
extern int kqueue(void);
extern int kevent(void);

int use_them(void) { return kqueue() + kevent(); }
