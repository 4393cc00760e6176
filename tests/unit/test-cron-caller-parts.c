/* The pure parts of the HTTP caller: slots by host, signature, forbidden addresses, headers. */

#include "common/error.h"
#include "cron/caller-guard.h"
#include "cron/caller-headers.h"
#include "cron/caller-hosts.h"
#include "cron/caller-signature.h"

#include <string.h>

#define SECOND G_USEC_PER_SEC

static const ElvesCronHostsLimits limits = {
  .max_active = 8,
  .max_active_per_host = 6,
  .max_held_per_host = 20,
  .stalled_after_us = SECOND,
};

static void
join (ElvesCronHosts *hosts, const char *name, ElvesCronPlace *place)
{
  place->data = place;
  g_assert_true (elves_cron_hosts_join (hosts, name, place, 0));
  elves_cron_hosts_wait (hosts, place);
}

static guint
start_all (ElvesCronHosts *hosts)
{
  guint n = 0;
  while (elves_cron_hosts_next (hosts) != NULL)
    n++;
  return n;
}

static guint
count_active (const ElvesCronPlace *places, guint n)
{
  guint active = 0;
  for (guint i = 0; i < n; i++)
    active += places[i].is_active ? 1 : 0;
  return active;
}

static void
leave_all (ElvesCronHosts *hosts, ElvesCronPlace *places, guint n)
{
  for (guint i = 0; i < n; i++)
    elves_cron_hosts_leave (hosts, &places[i]);
}

static void
test_host_alone (void)
{
  ElvesCronPlace places[20] = { 0 };
  g_autoptr (ElvesCronHosts) hosts = elves_cron_hosts_new (&limits);
  for (guint i = 0; i < 20; i++)
    join (hosts, "a", &places[i]);
  /* The fourth slot is its last one: then four are free. */
  g_assert_cmpuint (start_all (hosts), ==, 4);
  elves_cron_hosts_rest (hosts, &places[0]);
  g_assert_true (elves_cron_hosts_next (hosts) == &places[4]);
  g_assert_null (elves_cron_hosts_next (hosts));
  leave_all (hosts, places, 20);
}

/* However many hosts hang, a new one finds a slot; and each of a host's calls gets its turn. */
static void
test_hosts_share (void)
{
  static const char *const names[] = { "a", "b", "c", "d" };
  ElvesCronPlace places[4][10] = { 0 };
  ElvesCronPlace late = { 0 };
  g_autoptr (ElvesCronHosts) hosts = elves_cron_hosts_new (&limits);
  for (guint h = 0; h < 4; h++)
    for (guint i = 0; i < 10; i++)
      join (hosts, names[h], &places[h][i]);
  g_assert_cmpuint (start_all (hosts), <, limits.max_active);
  for (guint h = 0; h < 4; h++)
    g_assert_cmpuint (count_active (places[h], 10), >=, 1);
  join (hosts, "e", &late);
  g_assert_true (elves_cron_hosts_next (hosts) == &late);
  elves_cron_hosts_leave (hosts, &late);
  for (guint h = 0; h < 4; h++)
    leave_all (hosts, places[h], 10);
}

static void
test_hosts_take_turns (void)
{
  ElvesCronHostsLimits one = limits;
  ElvesCronPlace many[3] = { 0 }, single = { 0 };
  g_autoptr (ElvesCronHosts) hosts = NULL;
  one.max_active = 1;
  hosts = elves_cron_hosts_new (&one);
  for (guint i = 0; i < 3; i++)
    join (hosts, "many", &many[i]);
  join (hosts, "single", &single);
  g_assert_true (elves_cron_hosts_next (hosts) == &many[0]);
  elves_cron_hosts_leave (hosts, &many[0]);
  g_assert_true (elves_cron_hosts_next (hosts) == &single);
  elves_cron_hosts_leave (hosts, &single);
  g_assert_true (elves_cron_hosts_next (hosts) == &many[1]);
  leave_all (hosts, many, 3);
}

static void
test_host_refuses (void)
{
  ElvesCronPlace places[20] = { 0 }, more = { 0 };
  g_autoptr (ElvesCronHosts) hosts = elves_cron_hosts_new (&limits);
  for (guint i = 0; i < 20; i++)
    join (hosts, "a", &places[i]);
  g_assert_false (elves_cron_hosts_join (hosts, "a", &more, 2 * SECOND));
  g_assert_true (elves_cron_hosts_join (hosts, "b", &more, 2 * SECOND));
  elves_cron_hosts_leave (hosts, &more);
  /* It is only slow. */
  elves_cron_hosts_taken (&places[0], 2 * SECOND);
  g_assert_true (elves_cron_hosts_join (hosts, "a", &more, 3 * SECOND));
  elves_cron_hosts_leave (hosts, &more);
  leave_all (hosts, places, 20);
}

/* The value was computed by python's hmac. */
static void
test_signature (void)
{
  g_autoptr (GBytes) body = g_bytes_new_static ("{\"a\":1}", 7);
  g_autofree char *value =
      elves_cron_call_signature ("secret", 1700000000, "00000000000000AB:1700000000", body);
  g_assert_cmpstr (
      value, ==,
      "t=1700000000,v1=818f6f99656d680f229f75a37e0c26e5b4b1f6a15dccf4bc6fa01897360a3c39");
}

static gboolean
forbids (const char *networks, gboolean forbid_private, const char *address)
{
  g_autoptr (ElvesCronGuard) guard = elves_cron_guard_new (networks, forbid_private, NULL);
  g_autoptr (GInetAddress) inet = g_inet_address_new_from_string (address);
  g_assert_nonnull (inet);
  return elves_cron_guard_forbids (guard, inet);
}

static void
test_private_addresses (void)
{
  static const char *const inside[] = {
    "127.0.0.1",
    "127.8.8.8",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::ffff:192.168.0.1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "::127.0.0.1",
    "ff02::1",
  };
  static const char *const outside[] = { "8.8.8.8",     "172.15.0.1",           "172.32.0.1",
                                         "192.167.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8" };
  for (gsize i = 0; i < G_N_ELEMENTS (inside); i++)
    {
      g_test_message ("%s", inside[i]);
      g_assert_true (forbids ("", TRUE, inside[i]));
      g_assert_false (forbids ("", FALSE, inside[i]));
    }
  for (gsize i = 0; i < G_N_ELEMENTS (outside); i++)
    {
      g_test_message ("%s", outside[i]);
      g_assert_false (forbids ("", TRUE, outside[i]));
    }
}

static void
test_forbidden_networks (void)
{
  g_autoptr (GError) error = NULL;
  g_assert_true (forbids ("8.8.8.0/24, 2001:db9::/32", FALSE, "8.8.8.8"));
  g_assert_true (forbids ("8.8.8.0/24, 2001:db9::/32", FALSE, "2001:db9::1"));
  g_assert_false (forbids ("8.8.8.0/24", FALSE, "8.8.9.8"));
  g_assert_true (forbids ("8.8.8.0/24", TRUE, "10.0.0.1"));
  g_assert_null (elves_cron_guard_new ("8.8.8.8/4", FALSE, &error));
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG);
}

static void
test_headers (void)
{
  g_assert_true (elves_cron_headers_check (""));
  g_assert_true (elves_cron_headers_check ("{\"X-A\":\"b\",\"Host\":\"h\"}"));
  g_assert_false (elves_cron_headers_check ("{\"X-A\":1}"));
  g_assert_false (elves_cron_headers_check ("{\"X-A\":\"b\\r\\nX-B: c\"}"));
  g_assert_false (elves_cron_headers_check ("{\"X A\":\"b\"}"));
  g_assert_false (elves_cron_headers_check ("{\"Content-Length\":\"0\"}"));
  g_assert_false (elves_cron_headers_check ("{\"transfer-encoding\":\"chunked\"}"));
  g_assert_false (elves_cron_headers_check ("[]"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hosts/alone", test_host_alone);
  g_test_add_func ("/hosts/share", test_hosts_share);
  g_test_add_func ("/hosts/turns", test_hosts_take_turns);
  g_test_add_func ("/hosts/refuse", test_host_refuses);
  g_test_add_func ("/signature", test_signature);
  g_test_add_func ("/guard/private", test_private_addresses);
  g_test_add_func ("/guard/networks", test_forbidden_networks);
  g_test_add_func ("/headers", test_headers);
  return g_test_run ();
}
