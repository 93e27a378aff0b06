/* No BSD that is checked has it in every release: whoever includes it has to ask first. */
#error "<sys/epoll.h> is Linux's"
