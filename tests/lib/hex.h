/* Byte vectors of the tests: pairs of hexadecimal digits, and 'text' between single quotes; blanks
   are skipped. "8001 0001 0000000a 'aliveCheck'" */
#pragma once

#include <glib.h>

static inline GByteArray *
bytes_from_hex (const char *text)
{
  GByteArray *bytes = g_byte_array_new ();
  gboolean quoted = FALSE;
  for (const char *at = text; *at; at++)
    {
      if (*at == '\'')
        quoted = !quoted;
      else if (quoted)
        g_byte_array_append (bytes, (const guint8 *) at, 1);
      else if (*at != ' ')
        {
          guint8 byte = g_ascii_xdigit_value (at[0]) << 4 | g_ascii_xdigit_value (at[1]);
          g_byte_array_append (bytes, &byte, 1);
          at++;
        }
    }
  return bytes;
}
