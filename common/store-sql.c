/* What the store does with texts of SQL: placeholders and types as the database wants them. Pure.
 */
#include "common/store-backend.h"

#include "common/error.h"

#include <string.h>

gboolean
elves_store_url_is_postgres (const char *url)
{
  return g_str_has_prefix (url, "postgresql://") || g_str_has_prefix (url, "postgres://");
}

/**
 * elves_store_url_check:
 * @url: the value of store.url
 *
 * Errors: %ELVES_ERROR_CONFIG when it is of no known form. Nothing is opened.
 */
gboolean
elves_store_url_check (const char *url, GError **error)
{
  if (elves_store_url_is_postgres (url))
    return TRUE;
  gboolean is_sqlite = g_str_has_prefix (url, ELVES_STORE_SQLITE_SCHEME);
  const char *path = is_sqlite ? url + strlen (ELVES_STORE_SQLITE_SCHEME) : "";
  if (g_path_is_absolute (path) && !g_str_has_suffix (path, "/"))
    return TRUE;
  /* Not the text itself: it may hold a password. */
  g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
                       "store.url: expected sqlite:/PATH/TO/FILE or postgresql://...");
  return FALSE;
}

/**
 * elves_store_sql_in_dialect:
 * @dialect: whose words to use
 * @sql: a statement with $SERIAL, $INT, $BYTES
 *
 * Returns: (transfer full): the statement
 */
char *
elves_store_sql_in_dialect (const ElvesStoreBackendClass *dialect, const char *sql)
{
  GString *text = g_string_new (sql);
  g_string_replace (text, "$SERIAL", dialect->serial, 0);
  g_string_replace (text, "$INT", dialect->number, 0);
  g_string_replace (text, "$BYTES", dialect->bytes, 0);
  return g_string_free (text, FALSE);
}

char *
elves_store_sql_with_numbers (const char *sql)
{
  GString *text = g_string_new (NULL);
  guint number = 0;
  char quote = '\0';
  for (const char *at = sql; *at != '\0'; at++)
    {
      if (quote != '\0')
        quote = *at == quote ? '\0' : quote;
      else if (*at == '\'' || *at == '"')
        quote = *at;
      if (*at == '?' && quote == '\0')
        g_string_append_printf (text, "$%u", ++number);
      else
        g_string_append_c (text, *at);
    }
  return g_string_free (text, FALSE);
}

guint
elves_store_values_count (const ElvesStoreValue *values)
{
  guint count = 0;
  while (values != NULL && values[count].kind != ELVES_STORE_END)
    count++;
  return count;
}
