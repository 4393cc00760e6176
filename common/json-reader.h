/* Reads one JSON object from outside: checks all of it, keeps its members as spans of the text. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ELVES_JSON_DEPTH_LIMIT 64   /* objects and arrays within each other */
#define ELVES_JSON_MEMBER_LIMIT 256 /* of the outermost object */

typedef enum
{
  ELVES_JSON_ABSENT,
  ELVES_JSON_NULL,
  ELVES_JSON_BOOLEAN,
  ELVES_JSON_NUMBER,
  ELVES_JSON_STRING,
  ELVES_JSON_ARRAY,
  ELVES_JSON_OBJECT
} ElvesJsonKind;

/* A part of the text, as it stands there; of a string: what is between the quotes, still escaped.
 */
typedef struct
{
  ElvesJsonKind kind;
  const char *text; /* not terminated */
  gsize length;
} ElvesJsonValue;

typedef struct ElvesJsonObject ElvesJsonObject;

ElvesJsonObject *elves_json_object_parse (const char *text, gsize length, GError **error);
/* As decoders of streams do: the first value counts, what follows it is not looked at; null is an
   object without members. */
ElvesJsonObject *elves_json_object_parse_first (const char *text, gsize length, GError **error);
void elves_json_object_free (ElvesJsonObject *self);
ElvesJsonValue elves_json_object_get (const ElvesJsonObject *self, const char *name);
ElvesJsonValue elves_json_object_get_any_case (const ElvesJsonObject *self, const char *name);
/* In the order of the text; *position: 0 at first. */
gboolean elves_json_object_next (const ElvesJsonObject *self,
                                 guint *position,
                                 ElvesJsonValue *out_name,
                                 ElvesJsonValue *out_value);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesJsonObject, elves_json_object_free)

/* One value of any kind, and nothing else. FALSE: @text is none within the limits. */
gboolean elves_json_parse_any (const char *text, gsize length, ElvesJsonValue *out_value);
gboolean elves_json_array_next (ElvesJsonValue array, gsize *position, ElvesJsonValue *out_element);
char *elves_json_value_to_text (ElvesJsonValue value);

G_END_DECLS
