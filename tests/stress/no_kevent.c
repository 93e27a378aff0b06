/* A shared object that is no kqueue: it exports kqueue() and lacks kevent(). */
int kqueue(void);
int kqueue(void) { return 3; }
