#include "queue/members.h"

#include <string.h>

void
elves_refusal_clear (ElvesRefusal *self)
{
  g_clear_pointer (&self->detail, g_free);
  self->error_text = NULL;
}

gboolean
elves_queue_refuse (ElvesRefusal *refusal,
                    const char *error_text,
                    const char *member,
                    const char *expected)
{
  elves_refusal_clear (refusal);
  refusal->error_text = error_text;
  refusal->detail = g_strdup_printf ("%s: expected %s", member, expected);
  return FALSE;
}

static gboolean
is_missing (ElvesQueueMember member)
{
  return member.value.kind == ELVES_JSON_ABSENT || member.value.kind == ELVES_JSON_NULL;
}

char *
elves_queue_member_text (ElvesQueueMember member, ElvesRefusal *refusal)
{
  if (member.value.kind == ELVES_JSON_STRING)
    return elves_json_value_to_text (member.value);
  elves_queue_refuse (refusal, ELVES_QUEUE_FAULT_OTHER, member.name, "a text");
  return NULL;
}

char *
elves_queue_member_word (ElvesQueueMember member, const char *fault, ElvesRefusal *refusal)
{
  g_autofree char *text = elves_queue_member_text (member, refusal);
  if (text == NULL || *g_strstrip (text) != '\0')
    return g_steal_pointer (&text);
  elves_queue_refuse (refusal, fault, member.name, "a text that is not empty");
  return NULL;
}

char *
elves_queue_member_optional (ElvesQueueMember member,
                             const char *fallback,
                             gsize max_bytes,
                             ElvesRefusal *refusal)
{
  if (is_missing (member))
    return g_strdup (fallback);
  g_autofree char *text = elves_queue_member_text (member, refusal);
  if (text == NULL || strlen (text) <= max_bytes)
    return g_steal_pointer (&text);
  g_autofree char *limit = g_strdup_printf ("at most %" G_GSIZE_FORMAT " bytes", max_bytes);
  elves_queue_refuse (refusal, ELVES_QUEUE_FAULT_OTHER, member.name, limit);
  return NULL;
}

char *
elves_queue_member_mode (ElvesQueueMember member, ElvesRefusal *refusal)
{
  /* The older names: sap, aap, ssp, cap; sanp, aanp, ssnp, canp, csnp. */
  static const char *const with[] = { "p", "sap", "aap", "ssp", "cap", NULL };
  static const char *const without[] = { "np", "sanp", "aanp", "ssnp", "canp", "csnp", NULL };
  g_autofree char *mode = elves_queue_member_word (member, ELVES_QUEUE_FAULT_MODE, refusal);
  if (mode == NULL)
    return NULL;
  g_autofree char *lower = g_ascii_strdown (mode, -1);
  if (g_strv_contains (with, lower))
    return g_strdup ("P");
  if (g_strv_contains (without, lower))
    return g_strdup ("NP");
  elves_queue_refuse (refusal, ELVES_QUEUE_FAULT_MODE, member.name, "P or NP");
  return NULL;
}

gboolean
elves_queue_member_number (ElvesQueueMember member,
                           gint64 min,
                           gint64 max,
                           gint64 fallback,
                           gint64 *out_number,
                           ElvesRefusal *refusal)
{
  *out_number = fallback;
  if (is_missing (member))
    return TRUE;
  g_autofree char *text = g_strstrip (elves_json_value_to_text (member.value));
  gboolean may_be =
      member.value.kind == ELVES_JSON_NUMBER || member.value.kind == ELVES_JSON_STRING;
  if (may_be && g_ascii_string_to_signed (text, 10, min, max, out_number, NULL))
    return TRUE;
  g_autofree char *limits =
      g_strdup_printf ("a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, min, max);
  return elves_queue_refuse (refusal, ELVES_QUEUE_FAULT_OTHER, member.name, limits);
}
