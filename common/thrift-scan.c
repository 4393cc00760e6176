/* Thrift scan: finds the end of a message that carries no length.
 *
 * Unframed TBinaryProtocol can only be delimited by walking through it. This is that walk as a
 * state machine: it may stop after any byte and go on with the next one. It keeps the stack of open
 * structs and containers, whose depth is a limit, and at most one header of 6 bytes; bodies of
 * strings and lists of numbers are stepped over in one go.
 *
 * What passes has: a strict or non-strict header, a known message type, a name within its limit,
 * one struct, only known types, no negative length, and every limit kept. It is therefore safe to
 * give to a decoder that recurses and allocates by lengths. What the fields mean is not looked at.
 *
 * Every element of a container takes at least one byte, so that a size can never cause more steps
 * than bytes come in. */
#include "common/thrift-scan.h"

#include "common/error.h"

#include <string.h>

#define NAME_LIMIT_BYTES 1024
#define VERSION_MASK 0xffff0000u
#define VERSION_1 0x80010000u

/* Types on the wire. */
enum
{
  WIRE_STOP = 0,
  WIRE_BOOL = 2,
  WIRE_BYTE = 3,
  WIRE_DOUBLE = 4,
  WIRE_I16 = 6,
  WIRE_I32 = 8,
  WIRE_I64 = 10,
  WIRE_STRING = 11,
  WIRE_STRUCT = 12,
  WIRE_MAP = 13,
  WIRE_SET = 14,
  WIRE_LIST = 15,
  WIRE_N_TYPES
};

static const guint8 fixed_bytes[WIRE_N_TYPES] = {
  [WIRE_BOOL] = 1, [WIRE_BYTE] = 1, [WIRE_DOUBLE] = 8,
  [WIRE_I16] = 2,  [WIRE_I32] = 4,  [WIRE_I64] = 8,
};

typedef enum
{
  STATE_FIRST_WORD, /* strict: the version; else: the length of the name */
  STATE_NAME_LENGTH,
  STATE_TYPE, /* non-strict only */
  STATE_SEQID,
  STATE_FIELD,
  STATE_STRING,
  STATE_LIST, /* sets too */
  STATE_MAP,
  STATE_BAD,
  N_STATES
} State;

static const guint8 token_bytes[N_STATES] = {
  [STATE_FIRST_WORD] = 4, [STATE_NAME_LENGTH] = 4, [STATE_TYPE] = 1, [STATE_SEQID] = 4,
  [STATE_FIELD] = 1,      [STATE_STRING] = 4,      [STATE_LIST] = 5, [STATE_MAP] = 6,
};

/* A struct is open until its stop byte, a container until no value remains. */
typedef struct
{
  gboolean is_struct;
  guint32 remaining; /* values; a map of n has 2n */
  guint8 types[2];   /* of the next value and of the one after it */
} Frame;

struct ElvesThriftScan
{
  ElvesThriftLimits limits;
  State state;
  guint8 token[6];
  guint token_have;
  gsize skip;  /* bytes to step over before the next token */
  gsize total; /* bytes of this message taken so far */
  guint depth;
  Frame *stack; /* limits.depth of them */
};

const ElvesThriftLimits elves_thrift_default_limits = {
  .message_bytes = 32 * 1024 * 1024,
  .string_bytes = 16 * 1024 * 1024 + 64 * 1024,
  .list_items = 10000,
  .depth = 32,
};

/**
 * elves_thrift_scan_new:
 * @limits: copied; the depth decides how much memory a scan takes
 *
 * Returns: (transfer full): a scan that waits for the first byte of a message
 */
ElvesThriftScan *
elves_thrift_scan_new (const ElvesThriftLimits *limits)
{
  ElvesThriftScan *self = g_new0 (ElvesThriftScan, 1);
  self->limits = *limits;
  self->stack = g_new (Frame, MAX (limits->depth, 1));
  return self;
}

/**
 * elves_thrift_scan_free:
 * @self: (nullable): the scan
 */
void
elves_thrift_scan_free (ElvesThriftScan *self)
{
  if (!self)
    return;
  g_free (self->stack);
  g_free (self);
}

/**
 * elves_thrift_scan_reset:
 *
 * Forgets everything: the next byte begins a message.
 */
void
elves_thrift_scan_reset (ElvesThriftScan *self)
{
  self->state = STATE_FIRST_WORD;
  self->token_have = 0;
  self->skip = 0;
  self->total = 0;
  self->depth = 0;
}

static gboolean G_GNUC_PRINTF (2, 3) bad (GError **error, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL, "Not a Thrift message: %s", text);
  return FALSE;
}

static guint32
read_u32 (const guint8 *bytes)
{
  guint32 value;
  memcpy (&value, bytes, sizeof value);
  return GUINT32_FROM_BE (value);
}

static gboolean
is_value_type (guint8 type)
{
  return type < WIRE_N_TYPES && (fixed_bytes[type] || type >= WIRE_STRING);
}

static gboolean
push (ElvesThriftScan *self, Frame frame, GError **error)
{
  if (self->depth >= self->limits.depth)
    return bad (error, "nested deeper than %u", self->limits.depth);
  self->stack[self->depth++] = frame;
  return TRUE;
}

/* Expect a value of @type: step over it when its size is known, else expect its header. */
static gboolean
begin_value (ElvesThriftScan *self, guint8 type, GError **error)
{
  switch (type)
    {
    case WIRE_STRING:
      self->state = STATE_STRING;
      return TRUE;
    case WIRE_LIST:
    case WIRE_SET:
      self->state = STATE_LIST;
      return TRUE;
    case WIRE_MAP:
      self->state = STATE_MAP;
      return TRUE;
    default: /* a struct */
      self->state = STATE_FIELD;
      return push (self, (Frame){ .is_struct = TRUE }, error);
    }
}

/* A value is over (or will be, after skip): what follows is up to what is open around it. */
static gboolean
next_value (ElvesThriftScan *self, GError **error)
{
  while (TRUE)
    {
      Frame *frame = &self->stack[self->depth - 1];
      if (frame->is_struct)
        {
          self->state = STATE_FIELD;
          return TRUE;
        }
      if (frame->remaining == 0)
        {
          self->depth--; /* never the last: a message is a struct */
          continue;
        }
      guint8 type = frame->types[0];
      frame->remaining--;
      frame->types[0] = frame->types[1];
      frame->types[1] = type;
      if (!fixed_bytes[type])
        return begin_value (self, type, error);
      self->skip += fixed_bytes[type]; /* a map of mixed types */
    }
}

static gboolean
take_name_length (ElvesThriftScan *self, guint32 length, State then, GError **error)
{
  if (length > NAME_LIMIT_BYTES)
    return bad (error, "a method name of %u bytes", length);
  self->skip = length;
  self->state = then;
  return TRUE;
}

static gboolean
take_message_type (ElvesThriftScan *self, guint8 type, State then, GError **error)
{
  if (type < 1 || type > 4)
    return bad (error, "message type %u", type);
  self->state = then;
  return TRUE;
}

static gboolean
take_first_word (ElvesThriftScan *self, GError **error)
{
  guint32 word = read_u32 (self->token);
  if (!(word & 0x80000000u))
    return take_name_length (self, word, STATE_TYPE, error);
  if ((word & VERSION_MASK) != VERSION_1)
    return bad (error, "version 0x%08x", word);
  return take_message_type (self, word & 0xff, STATE_NAME_LENGTH, error);
}

static gboolean
take_field (ElvesThriftScan *self, GError **error)
{
  guint8 type = self->token[0];
  if (type == WIRE_STOP)
    {
      self->depth--;
      return self->depth == 0 || next_value (self, error);
    }
  if (!is_value_type (type))
    return bad (error, "a field of type %u", type);
  self->skip = 2; /* the field's number */
  if (!fixed_bytes[type])
    return begin_value (self, type, error);
  self->skip += fixed_bytes[type];
  return TRUE;
}

static gboolean
take_string (ElvesThriftScan *self, GError **error)
{
  guint32 length = read_u32 (self->token);
  if (length > G_MAXINT32)
    return bad (error, "a negative string length");
  if (length > self->limits.string_bytes)
    return bad (error, "a string of %u bytes, limit %zu", length, self->limits.string_bytes);
  self->skip = length;
  return next_value (self, error);
}

/* @key, @value: the same for lists and sets. An empty container may have no types. */
static gboolean
take_container (ElvesThriftScan *self,
                guint8 key,
                guint8 value,
                guint32 size,
                guint32 values_per_item,
                GError **error)
{
  if (size > G_MAXINT32)
    return bad (error, "a negative list size");
  if (size > self->limits.list_items)
    return bad (error, "a list of %u items, limit %u", size, self->limits.list_items);
  if ((!is_value_type (key) && (key != WIRE_STOP || size > 0)) ||
      (!is_value_type (value) && (value != WIRE_STOP || size > 0)))
    return bad (error, "items of type %u and %u", key, value);
  if (size == 0)
    return next_value (self, error);
  if (fixed_bytes[key] && fixed_bytes[value])
    {
      gsize item_bytes =
          values_per_item == 1 ? fixed_bytes[key] : fixed_bytes[key] + fixed_bytes[value];
      self->skip = (gsize) size * item_bytes;
      return next_value (self, error);
    }
  Frame frame = { .remaining = size * values_per_item, .types = { key, value } };
  return push (self, frame, error) && next_value (self, error);
}

/* A token is complete. */
static gboolean
take_token (ElvesThriftScan *self, GError **error)
{
  const guint8 *token = self->token;
  switch (self->state)
    {
    case STATE_FIRST_WORD:
      return take_first_word (self, error);
    case STATE_NAME_LENGTH:
      return take_name_length (self, read_u32 (token), STATE_SEQID, error);
    case STATE_TYPE:
      return take_message_type (self, token[0], STATE_SEQID, error);
    case STATE_SEQID:
      return begin_value (self, WIRE_STRUCT, error);
    case STATE_FIELD:
      return take_field (self, error);
    case STATE_STRING:
      return take_string (self, error);
    case STATE_LIST:
      return take_container (self, token[0], token[0], read_u32 (token + 1), 1, error);
    case STATE_MAP:
      return take_container (self, token[0], token[1], read_u32 (token + 2), 2, error);
    default:
      return bad (error, "it went wrong before");
    }
}

/* Also before the bytes have come: a length alone can put a message over its limit. */
static gboolean
check_message_bytes (ElvesThriftScan *self, GError **error)
{
  if (self->total + self->skip <= self->limits.message_bytes)
    return TRUE;
  return bad (error, "longer than %zu bytes", self->limits.message_bytes);
}

/* Returns: how many bytes were taken, at least one. */
static gsize
step (ElvesThriftScan *self, const guint8 *bytes, gsize length)
{
  gsize taken;
  if (self->skip > 0)
    {
      taken = MIN (self->skip, length);
      self->skip -= taken;
    }
  else
    {
      taken = MIN ((gsize) token_bytes[self->state] - self->token_have, length);
      memcpy (self->token + self->token_have, bytes, taken);
      self->token_have += taken;
    }
  self->total += taken;
  return taken;
}

static gboolean
token_is_complete (const ElvesThriftScan *self)
{
  return self->token_have > 0 && self->token_have == token_bytes[self->state];
}

/**
 * elves_thrift_scan_feed:
 * @bytes: (array length=length): what has come since the last call; never a byte twice
 * @out_taken: how many of them belong to the message; the rest begins the next one
 *
 * %ELVES_THRIFT_SCAN_DONE resets the scan. After %ELVES_THRIFT_SCAN_BAD there is no way to find the
 * next message.
 *
 * Errors: %ELVES_ERROR_PROTOCOL with %ELVES_THRIFT_SCAN_BAD.
 */
ElvesThriftScanStatus
elves_thrift_scan_feed (ElvesThriftScan *self,
                        const guint8 *bytes,
                        gsize length,
                        gsize *out_taken,
                        GError **error)
{
  gsize position = 0;
  while (position < length)
    {
      if (self->state == STATE_BAD)
        {
          bad (error, "it went wrong before");
          return ELVES_THRIFT_SCAN_BAD;
        }
      position += step (self, bytes + position, length - position);
      if (!token_is_complete (self))
        continue;
      self->token_have = 0;
      if (!take_token (self, error) || !check_message_bytes (self, error))
        {
          self->state = STATE_BAD;
          return ELVES_THRIFT_SCAN_BAD;
        }
      if (self->depth == 0 && self->state == STATE_FIELD)
        {
          elves_thrift_scan_reset (self);
          *out_taken = position;
          return ELVES_THRIFT_SCAN_DONE;
        }
    }
  *out_taken = length;
  return ELVES_THRIFT_SCAN_MORE;
}
