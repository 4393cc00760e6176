/* Where does this message end? A resumable walk over unframed TBinaryProtocol bytes as they arrive.
   Pure: no I/O, allocates nothing that a length on the wire asks for, reads no byte twice. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gsize message_bytes; /* whole message */
  gsize string_bytes;  /* one string */
  guint list_items;    /* one list, set or map */
  guint depth;         /* nesting of structs and containers */
} ElvesThriftLimits;

extern const ElvesThriftLimits elves_thrift_default_limits; /* 32 MiB, 16 MiB + 64 KiB, 10000, 32 */

typedef enum
{
  ELVES_THRIFT_SCAN_MORE, /* all bytes were taken, the message goes on */
  ELVES_THRIFT_SCAN_DONE, /* the message ends within these bytes */
  ELVES_THRIFT_SCAN_BAD   /* never a message; error is set */
} ElvesThriftScanStatus;

typedef struct ElvesThriftScan ElvesThriftScan;

ElvesThriftScan *elves_thrift_scan_new (const ElvesThriftLimits *limits);
void elves_thrift_scan_free (ElvesThriftScan *self);
void elves_thrift_scan_reset (ElvesThriftScan *self); /* the next byte begins a message */
ElvesThriftScanStatus elves_thrift_scan_feed (ElvesThriftScan *self,
                                              const guint8 *bytes,
                                              gsize length,
                                              gsize *out_taken,
                                              GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesThriftScan, elves_thrift_scan_free)

G_END_DECLS
