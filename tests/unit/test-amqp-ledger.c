/* The ledger of deliveries: which settlements leave, and how. */
#include "common/amqp-ledger.h"

static void
on_settle (guint64 tag, gboolean multiple, ElvesSettlement settlement, gpointer user_data)
{
  g_string_append_printf (user_data, "%s%" G_GUINT64_FORMAT "%s ",
                          settlement == ELVES_SETTLE_ACK ? "" : "r", tag, multiple ? "*" : "");
}

/* In @steps "+N" is a delivery, "N" an ack, "rN" a requeue, "!" a flush. */
typedef struct
{
  const char *name, *steps, *sent;
  guint outstanding;
} Case;

static const Case cases[] = {
  { "nothing", "!", "", 0 },
  { "one", "+1 1 !", "1 ", 0 },
  { "run", "+1 +2 +3 1 2 3 !", "3* ", 0 },
  { "run-in-any-order", "+1 +2 +3 3 1 2 !", "3* ", 0 },
  { "run-ends-at-a-gap", "+1 +2 +3 1 3 !", "1 3 ", 1 },
  { "not-held-back", "+1 +2 +3 2 3 !", "2 3 ", 1 },
  { "over-what-left-before", "+1 +2 +3 2 ! 1 3 !", "2 3* ", 0 },
  { "multiple-never-names-an-old-tag", "+1 +2 2 ! 1 !", "2 1 ", 0 },
  { "requeue-before-multiple", "+1 +2 +3 1 3 r2 !", "r2 3* ", 0 },
  { "twice", "+1 1 1 ! 1 !", "1 ", 0 },
  { "requeue-after-ack", "+1 1 r1 !", "1 ", 0 },
  { "ack-after-requeue", "+1 +2 r1 1 !", "r1 ", 1 },
  { "never-delivered", "+1 7 r8 !", "", 1 },
  { "no-flush", "+1 1", "", 1 },
};

static void
take_step (ElvesAmqpLedger *ledger, const char *step, GString *sent)
{
  if (step[0] == '!')
    elves_amqp_ledger_flush (ledger, on_settle, sent);
  else if (step[0] == '+')
    elves_amqp_ledger_add (ledger, g_ascii_strtoull (step + 1, NULL, 10));
  else if (step[0] == 'r')
    elves_amqp_ledger_settle (ledger, g_ascii_strtoull (step + 1, NULL, 10), ELVES_SETTLE_REQUEUE);
  else
    elves_amqp_ledger_settle (ledger, g_ascii_strtoull (step, NULL, 10), ELVES_SETTLE_ACK);
}

static void
test_case (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (ElvesAmqpLedger) ledger = elves_amqp_ledger_new ();
  g_autoptr (GString) sent = g_string_new (NULL);
  g_auto (GStrv) steps = g_strsplit (c->steps, " ", -1);
  for (gsize i = 0; steps[i] != NULL; i++)
    take_step (ledger, steps[i], sent);
  g_assert_cmpstr (sent->str, ==, c->sent);
  g_assert_cmpuint (elves_amqp_ledger_outstanding (ledger), ==, c->outstanding);
}

/* What the broker knows, kept beside the ledger: every settlement must be one it accepts, and no
   acknowledged tag may be one that was not. */
typedef struct
{
  gboolean at_broker[400]; /* delivered, not settled as the broker sees it */
  gboolean acked[400];     /* by the owner */
} Broker;

static void
on_settle_at_broker (guint64 tag, gboolean multiple, ElvesSettlement settlement, gpointer user_data)
{
  Broker *broker = user_data;
  g_assert_true (broker->at_broker[tag]);
  for (guint64 t = multiple ? 0 : tag; t <= tag; t++)
    {
      if (broker->at_broker[t] && settlement == ELVES_SETTLE_ACK)
        g_assert_true (broker->acked[t]);
      broker->at_broker[t] = FALSE;
    }
}

static void
test_random (void)
{
  for (guint round = 0; round < 50; round++)
    {
      g_autoptr (ElvesAmqpLedger) ledger = elves_amqp_ledger_new ();
      Broker broker = { 0 };
      guint64 next = 1;
      while (next < G_N_ELEMENTS (broker.at_broker))
        {
          guint64 tag = (guint64) g_test_rand_int_range (1, (gint32) next + 1);
          switch (g_test_rand_int_range (0, 5))
            {
            case 0:
            case 1:
              elves_amqp_ledger_add (ledger, next);
              broker.at_broker[next++] = TRUE;
              break;
            case 2:
            case 3:
              if (tag < next && broker.at_broker[tag])
                broker.acked[tag] = TRUE;
              elves_amqp_ledger_settle (ledger, tag, ELVES_SETTLE_ACK);
              break;
            default:
              elves_amqp_ledger_flush (ledger, on_settle_at_broker, &broker);
            }
        }
      elves_amqp_ledger_flush (ledger, on_settle_at_broker, &broker);
      guint left = 0;
      for (guint64 t = 1; t < next; t++)
        {
          g_assert_true (broker.at_broker[t] != broker.acked[t]);
          left += broker.at_broker[t];
        }
      g_assert_cmpuint (elves_amqp_ledger_outstanding (ledger), ==, left);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/amqp-ledger/", cases[i].name, NULL);
      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/amqp-ledger/random", test_random);
  return g_test_run ();
}
