/* The answer to an agent's report of one result, or of a list of them. */
#pragma once

#include "common/thrift-server.h"

G_BEGIN_DECLS

typedef struct ElvesReceiptBook ElvesReceiptBook;
typedef struct ElvesReceipt ElvesReceipt; /* of one result */

ElvesReceiptBook *elves_receipt_book_new (ElvesThriftCall *call, guint n_results);
ElvesReceipt *elves_receipt_book_open (ElvesReceiptBook *book, guint index);
void elves_receipt_book_seal (ElvesReceiptBook *self);

/* Each receipt is ended by one of them. @text: a constant. */
void elves_receipt_give (ElvesReceipt *self, const char *text);
void elves_receipt_drop (ElvesReceipt *self); /* nothing of the book is answered */

G_END_DECLS
