/* A report is answered when all its results have their texts and the book is sealed. When one of
 * them is dropped the connection is closed, and the agent reports all of the list again. */
#include "scheduler/receipt.h"

struct ElvesReceiptBook
{
  ElvesThriftCall *call; /* NULL: dropped */
  guint n_results, n_missing;
  const char *texts[];
};

struct ElvesReceipt
{
  ElvesReceiptBook *book;
  guint index;
};

/**
 * elves_receipt_book_new:
 * @call: (transfer full): a report.
 * @n_results: in it.
 *
 * Returns: (transfer full): its book; elves_receipt_book_seal() ends the making.
 */
ElvesReceiptBook *
elves_receipt_book_new (ElvesThriftCall *call, guint n_results)
{
  ElvesReceiptBook *self = g_malloc0 (sizeof *self + n_results * sizeof (const char *));

  self->call = call;
  self->n_results = n_results;
  self->n_missing = n_results + 1; /* one for the sealing */
  return self;
}

/**
 * elves_receipt_book_open:
 * @book: not sealed.
 * @index: the place of the result in the report; each once.
 *
 * Returns: (transfer full): its receipt.
 */
ElvesReceipt *
elves_receipt_book_open (ElvesReceiptBook *book, guint index)
{
  ElvesReceipt *self = g_new (ElvesReceipt, 1);

  self->book = book;
  self->index = index;
  return self;
}

static void
count_down (ElvesReceiptBook *self)
{
  gboolean list;

  if (--self->n_missing > 0)
    return;
  list = self->call != NULL &&
         elves_thrift_call_request (self->call)->method == ELVES_RPC_TRANSPORT_LIST;
  if (list)
    elves_thrift_call_answer_texts (self->call, self->texts, self->n_results);
  else if (self->call != NULL)
    elves_thrift_call_answer_text (self->call, self->texts[0]);
  g_free (self);
}

/**
 * elves_receipt_book_seal:
 * @self: (transfer full): a book whose receipts are all open, or given already.
 */
void
elves_receipt_book_seal (ElvesReceiptBook *self)
{
  count_down (self);
}

/**
 * elves_receipt_give:
 * @self: (transfer full): a receipt.
 * @text: what to answer for its result; not copied.
 */
void
elves_receipt_give (ElvesReceipt *self, const char *text)
{
  self->book->texts[self->index] = text;
  count_down (self->book);
  g_free (self);
}

/**
 * elves_receipt_drop:
 * @self: (transfer full): a receipt.
 */
void
elves_receipt_drop (ElvesReceipt *self)
{
  ElvesReceiptBook *book = self->book;

  if (book->call != NULL)
    elves_thrift_call_drop (g_steal_pointer (&book->call));
  count_down (book);
  g_free (self);
}
