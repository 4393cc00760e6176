/* The members of JSON objects from clients: what they may be, and what is wrong with them; and JSON
 * objects of components: what clients are told of them. Both by tables. Pure. */
#pragma once

#include "common/json-reader.h"

G_BEGIN_DECLS

typedef enum
{
  ELVES_V3_TEXT,    /* min, max: bytes */
  ELVES_V3_INTEGER, /* min, max: value */
  ELVES_V3_BOOLEAN,
  ELVES_V3_ANY,    /* max: bytes, as JSON */
  ELVES_V3_TEXTS,  /* an array of texts; min, max: elements */
  ELVES_V3_OBJECT, /* @fields says of what; NULL: of texts, max: members */
  ELVES_V3_OBJECTS /* an array of them; min, max: elements */
} ElvesV3Kind;

typedef struct ElvesV3Field ElvesV3Field;
struct ElvesV3Field
{
  const char *name; /* NULL: the end of the table */
  ElvesV3Kind kind;
  gint64 min, max;
  gboolean required;
  gboolean (*is_valid) (const char *text); /* (nullable) of a text, or of each */
  const char *expected;                    /* (nullable) what @is_valid wants, for people */
  const ElvesV3Field *fields;              /* (nullable) of an object, or of each */
};

/* Appends an object for each fault, separated by commas, up to a limit. Returns: there was none. */
gboolean elves_v3_fields_check (const ElvesJsonObject *object,
                                const ElvesV3Field *fields,
                                const char *pointer,
                                GString *errors);
/* One more fault. @pointer: "/agents" (RFC 6901). */
void elves_v3_fields_blame (GString *errors, const char *pointer, const char *detail);

/* Of members that were checked. */
gboolean elves_v3_has (const ElvesJsonObject *object, const char *name);
char *elves_v3_text (const ElvesJsonObject *object, const char *name); /* (transfer full) */
gint64 elves_v3_integer (const ElvesJsonObject *object, const char *name, gint64 fallback);
gboolean elves_v3_boolean (const ElvesJsonObject *object, const char *name);

/* ---- what clients are told ---- */

typedef enum
{
  ELVES_V3_AS_TEXT,
  ELVES_V3_AS_TEXT_OR_NULL, /* "" is null */
  ELVES_V3_AS_LOWER_CASE,
  ELVES_V3_AS_INTEGER,
  ELVES_V3_AS_INTEGER_OR_NULL, /* null of what is absent or no number */
  ELVES_V3_AS_BOOLEAN,
  ELVES_V3_AS_TIME, /* of RFC 3339, or null */
  ELVES_V3_AS_JSON  /* as it stands; of what is absent null */
} ElvesV3Form;

typedef struct
{
  const char *from; /* NULL: the end of the table */
  const char *to;
  ElvesV3Form form;
} ElvesV3Member;

/* Adds them to the object that is open in @out. */
void elves_v3_tell (GString *out, const ElvesJsonObject *from, const ElvesV3Member *members);
/* A member that may be null. */
void elves_v3_add_null (GString *out, const char *name);
void elves_v3_add_boolean (GString *out, const char *name, gboolean value);
/* @text: of UTC, or of local time without a zone, or milliseconds since 1970; else null. */
void elves_v3_add_time (GString *out, const char *name, const char *text);
/* (transfer full) (nullable): the nested object. Its text is that of @object. */
ElvesJsonObject *elves_v3_object (const ElvesJsonObject *object, const char *name);

G_END_DECLS
