/* What every message over the broker begins with: who asks whom for what, and where the answer
   goes. The three generations are told apart here (elves-amqp.md section 10). Pure. */
#pragma once

#include "common/job-message.h"
#include "common/json-reader.h"

G_BEGIN_DECLS

typedef struct
{
  ElvesGeneration generation;
  gboolean is_call;         /* mqtype is call, or call.ID */
  char *from, *to, *action; /* the words of mqkey */
  char *correlation;        /* (nullable) the ID of mqkey (flat) or of mqtype (call.ID) */
  ElvesReplyAddress reply;  /* all NULL: nobody to answer */
  ElvesJsonObject *message; /* the whole of it; of the bytes that were read */
  ElvesJsonObject *inner;   /* (nullable) mqbody; NULL in the flat form */
  char *inner_text;         /* (nullable) of an mqbody that is a string */
} ElvesMessageHead;

/* Zero-fill @self first, and clear it also after a failure: what was read until then stands.
   @bytes outlive it. Errors: ELVES_ERROR_INVALID. */
gboolean elves_message_head_read (ElvesMessageHead *self,
                                  const ElvesMessageRules *rules,
                                  const ElvesMessageProperties *properties,
                                  const void *bytes,
                                  gsize length,
                                  GError **error);
void elves_message_head_clear (ElvesMessageHead *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesMessageHead, elves_message_head_clear)

/* Where the members of the request are: mqbody, or the message itself. */
const ElvesJsonObject *elves_message_head_fields (const ElvesMessageHead *self);

/* A publication with @body, which it takes; the content type of @rules or of the interface. */
ElvesPublication *
elves_message_publication (const ElvesMessageRules *rules, gboolean is_text, GString *body);
/* The same, addressed to who asked. */
ElvesPublication *elves_message_reply (const ElvesMessageRules *rules,
                                       ElvesGeneration generation,
                                       const ElvesReplyAddress *reply,
                                       GString *body);

G_END_DECLS
