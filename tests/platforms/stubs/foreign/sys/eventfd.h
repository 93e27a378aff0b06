/* No BSD that is checked has it in every release: whoever includes it has to ask first. */
#error "<sys/eventfd.h> is Linux's"
