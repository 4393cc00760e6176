/* bench-http: the bare HTTP answer, as the floor of what a request to elves-openapi can cost:
 * libsoup alone, on one thread, answers each request with as much JSON as a small job's result is.
 *
 * Listens on a free loopback port, prints it, ends with its standard input. */
#include <gio/gunixinputstream.h>
#include <libsoup/soup.h>
#include <stdio.h>
#include <string.h>

static const char answer[] =
    "{\"flag\":\"true\",\"error\":\"\",\"result\":{\"id\":\"0123456789ABCDEF\",\"worker_flag\":1,"
    "\"worker_message\":\"Hello, world!\",\"worker_costtime\":0}}";

static void
on_request (SoupServer *server,
            SoupServerMessage *message,
            const char *path,
            GHashTable *query,
            gpointer user_data)
{
  soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
  soup_server_message_set_response (message, "application/json;charset=UTF-8", SOUP_MEMORY_STATIC,
                                    answer, strlen (answer));
}

static void
on_end (GObject *source, GAsyncResult *result, gpointer loop)
{
  g_main_loop_quit (loop);
}

int
main (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (SoupServer) server = soup_server_new (NULL, NULL);
  g_autoptr (GInputStream) input = g_unix_input_stream_new (0, FALSE);
  char byte;

  soup_server_add_handler (server, NULL, on_request, NULL, NULL);
  if (!soup_server_listen_local (server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error))
    {
      g_printerr ("bench-http: %s\n", error->message);
      return 1;
    }
  GSList *uris = soup_server_get_uris (server);
  printf ("%d\n", g_uri_get_port (uris->data));
  fflush (stdout);
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  g_input_stream_read_async (input, &byte, 1, G_PRIORITY_DEFAULT, NULL, on_end, loop);
  g_main_loop_run (loop);
  return 0;
}
