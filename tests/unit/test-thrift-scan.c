#include "common/error.h"
#include "common/thrift-scan.h"
#include "tests/lib/hex.h"

#include <string.h>

#define CALL "80010001 00000001 'm' 00000007 " /* strict, method m, seqid 7 */

static const ElvesThriftLimits small = { .message_bytes = 200,
                                         .string_bytes = 100,
                                         .list_items = 10,
                                         .depth = 4 };

typedef struct
{
  const char *name;
  const char *hex;
} Case;

static const Case good[] = {
  { "alive-strict", "80010001 0000000a 'aliveCheck' 00000000 00" },
  { "alive-non-strict", "0000000a 'aliveCheck' 01 00000000 00" },
  { "no-name", "80010001 00000000 00000000 00" },
  { "reply", "80010002 00000001 'm' ffffffff 0b 0000 00000002 'ok' 00" },
  { "exception", "80010003 00000001 'm' 00000001 0b 0001 00000001 'x' 08 0002 00000001 00" },
  { "oneway", "80010004 00000001 'm' 00000001 00" },
  { "every-number",
    CALL "02 0001 01  03 0002 7f  04 0003 0000000000000000  06 0004 0001  08 0005 00000001"
         "0a 0006 0000000000000001  00" },
  { "empty-string", CALL "0b 0001 00000000 00" },
  { "structs", CALL "0c 0001 0c 0001 00 08 0002 00000001 00 00" },
  { "list-of-i32", CALL "0f 0001 08 00000003 00000001 00000002 00000003 00" },
  { "list-of-strings", CALL "0f 0001 0b 00000002 00000001 'a' 00000000 00" },
  { "list-of-structs", CALL "0f 0001 0c 00000002 00 08 0001 00000000 00 00" },
  { "list-of-lists", CALL "0f 0001 0f 00000002 03 00000001 01 03 00000000 00" },
  { "set", CALL "0e 0001 02 00000002 0001 00" },
  { "empty-list", CALL "0f 0001 0c 00000000 00" },
  { "empty-list-no-type", CALL "0f 0001 00 00000000 00" },
  { "map-of-numbers", CALL "0d 0001 0803 00000002 00000001 01 00000002 02 00" },
  { "map-string-i64", CALL "0d 0001 0b0a 00000001 00000001 'k' 0000000000000001 00" },
  { "map-i64-string",
    CALL "0d 0001 0a0b 00000002 0000000000000001 00000001 'v' 0000000000000002 00000000 00" },
  { "map-string-struct", CALL "0d 0001 0b0c 00000001 00000001 'k' 00 00" },
  { "map-struct-struct", CALL "0d 0001 0c0c 00000001 00 00 00" },
  { "empty-map", CALL "0d 0001 0000 00000000 00" },
};

static const Case evil[] = {
  { "version", "80020001" },
  { "compact", "82210000" },
  { "http", "'GET / HTTP'" },
  { "framed", "00000800 80010001" },
  { "name-too-long", "80010001 00000401" },
  { "name-negative", "80010001 ffffffff" },
  { "name-non-strict-too-long", "00000401" },
  { "message-type-0", "80010000" },
  { "message-type-5", "80010005" },
  { "message-type-non-strict", "00000001 'm' 09" },
  { "string-negative", CALL "0b 0001 ffffffff" },
  { "string-too-long", CALL "0b 0001 00000065" },
  { "list-negative", CALL "0f 0001 0c ffffffff" },
  { "list-2g", CALL "0f 0001 0c 7fffffff" },
  { "list-too-long", CALL "0f 0001 0c 0000000b" },
  { "set-too-long", CALL "0e 0001 02 0000000b" },
  { "map-too-long", CALL "0d 0001 0202 0000000b" },
  { "map-negative", CALL "0d 0001 0202 80000000" },
  { "type-void", CALL "01" },
  { "type-5", CALL "05" },
  { "type-utf8", CALL "10" },
  { "type-ff", CALL "ff" },
  { "list-of-void", CALL "0f 0001 01 00000001" },
  { "list-of-stop", CALL "0f 0001 00 00000001" },
  { "empty-list-of-junk", CALL "0f 0001 7f 00000000" },
  { "map-key-of-junk", CALL "0d 0001 090b 00000001" },
  { "map-value-of-junk", CALL "0d 0001 0b09 00000001" },
  { "nested-structs", CALL "0c 0001 0c 0001 0c 0001 0c" },
  { "nested-lists", CALL "0f 0001 0f 00000001 0f 00000001 0f 00000001 0f 00000001 0f 00000001" },
  { "message-too-long",
    CALL "0b 0001 00000064 '0123456789012345678901234567890123456789012345678901234567890123456789"
         "012345678901234567890123456789' 0b 0001 00000064" },
};

/* Cut into chunks of @chunk bytes; nothing is fed twice. */
static void
scan_good (const GByteArray *bytes, gsize chunk)
{
  g_autoptr (ElvesThriftScan) scan = elves_thrift_scan_new (&small);
  gsize taken = 0, position = 0;
  for (; position + chunk < bytes->len; position += chunk)
    {
      g_autoptr (GError) error = NULL;
      g_assert_cmpint (elves_thrift_scan_feed (scan, bytes->data + position, chunk, &taken, &error),
                       ==, ELVES_THRIFT_SCAN_MORE);
      g_assert_no_error (error);
      g_assert_cmpuint (taken, ==, chunk);
    }
  gsize rest = bytes->len - position;
  g_assert_cmpint (elves_thrift_scan_feed (scan, bytes->data + position, rest, &taken, NULL), ==,
                   ELVES_THRIFT_SCAN_DONE);
  g_assert_cmpuint (taken, ==, rest);
}

static void
test_good (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (GByteArray) bytes = bytes_from_hex (test->hex);
  for (gsize chunk = 1; chunk <= bytes->len; chunk++)
    scan_good (bytes, chunk);
}

static ElvesThriftScanStatus
scan_all (ElvesThriftScan *scan,
          const GByteArray *bytes,
          gsize chunk,
          gsize *position,
          GError **error)
{
  *position = 0;
  ElvesThriftScanStatus status = ELVES_THRIFT_SCAN_MORE;
  while (status == ELVES_THRIFT_SCAN_MORE && *position < bytes->len)
    {
      gsize taken = 0, length = MIN (chunk, bytes->len - *position);
      status = elves_thrift_scan_feed (scan, bytes->data + *position, length, &taken, error);
      *position += status == ELVES_THRIFT_SCAN_BAD ? length : taken;
    }
  return status;
}

/* Refused by the last byte given, not one earlier, not one later. */
static void
test_evil (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (GByteArray) bytes = bytes_from_hex (test->hex);
  for (gsize chunk = 1; chunk <= bytes->len; chunk++)
    {
      g_autoptr (ElvesThriftScan) scan = elves_thrift_scan_new (&small);
      g_autoptr (GError) error = NULL;
      gsize position;
      g_assert_cmpint (scan_all (scan, bytes, chunk, &position, &error), ==, ELVES_THRIFT_SCAN_BAD);
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL);

      g_autoptr (GError) again = NULL;
      gsize taken;
      g_assert_cmpint (elves_thrift_scan_feed (scan, (const guint8 *) "", 1, &taken, &again), ==,
                       ELVES_THRIFT_SCAN_BAD);
      g_assert_nonnull (again);
    }
}

static void
test_two_in_one_read (void)
{
  g_autoptr (GByteArray) bytes = bytes_from_hex (CALL "00" CALL "0b 0001 00000002 'ab' 00" CALL);
  g_autoptr (ElvesThriftScan) scan = elves_thrift_scan_new (&small);
  gsize first = 0, second = 0, third = 0;
  g_assert_cmpint (elves_thrift_scan_feed (scan, bytes->data, bytes->len, &first, NULL), ==,
                   ELVES_THRIFT_SCAN_DONE);
  g_assert_cmpuint (first, ==, 14);
  g_assert_cmpint (
      elves_thrift_scan_feed (scan, bytes->data + first, bytes->len - first, &second, NULL), ==,
      ELVES_THRIFT_SCAN_DONE);
  g_assert_cmpuint (second, ==, 23);
  g_assert_cmpint (elves_thrift_scan_feed (scan, bytes->data + first + second,
                                           bytes->len - first - second, &third, NULL),
                   ==, ELVES_THRIFT_SCAN_MORE);
  g_assert_cmpuint (third, ==, 13);
}

static void
test_reset (void)
{
  g_autoptr (GByteArray) bytes = bytes_from_hex (CALL "0f 0001 0b 00000002 00000009 'a'");
  g_autoptr (ElvesThriftScan) scan = elves_thrift_scan_new (&small);
  gsize position;
  g_assert_cmpint (scan_all (scan, bytes, 5, &position, NULL), ==, ELVES_THRIFT_SCAN_MORE);
  elves_thrift_scan_reset (scan);
  g_autoptr (GByteArray) alive = bytes_from_hex (CALL "00");
  g_assert_cmpint (scan_all (scan, alive, 5, &position, NULL), ==, ELVES_THRIFT_SCAN_DONE);
}

static void
test_defaults (void)
{
  g_assert_cmpuint (elves_thrift_default_limits.message_bytes, ==, 32 * 1024 * 1024);
  g_assert_cmpuint (elves_thrift_default_limits.string_bytes, ==, 16 * 1024 * 1024 + 65536);
  g_autoptr (ElvesThriftScan) scan = elves_thrift_scan_new (&elves_thrift_default_limits);
  g_autoptr (GByteArray) bytes = bytes_from_hex (CALL "0f 0001 0c 7fffffff");
  gsize position;
  g_assert_cmpint (scan_all (scan, bytes, 100, &position, NULL), ==, ELVES_THRIFT_SCAN_BAD);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autofree char *path = g_strconcat ("/thrift-scan/good/", good[i].name, NULL);
      g_test_add_data_func (path, &good[i], test_good);
    }
  for (guint i = 0; i < G_N_ELEMENTS (evil); i++)
    {
      g_autofree char *path = g_strconcat ("/thrift-scan/evil/", evil[i].name, NULL);
      g_test_add_data_func (path, &evil[i], test_evil);
    }
  g_test_add_func ("/thrift-scan/two-in-one-read", test_two_in_one_read);
  g_test_add_func ("/thrift-scan/reset", test_reset);
  g_test_add_func ("/thrift-scan/defaults", test_defaults);
  return g_test_run ();
}
