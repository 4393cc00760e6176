/* Messages in: every example of elves-amqp.md and of the manual, and each way to be wrong.

   Messages are written with ' for ", and a job is compared as one line of text. A generated id is
   shown as NEW. The replies are in test-job-message-reply.c. */
#include "common/job-message.h"

#include <string.h>

#define MAX_BYTES 4096

typedef struct
{
  const char *name, *message;
  const char *reply_to, *message_id;
  const char *expected; /* the job, or the verdict and the beginning of its error */
} Case;

static const ElvesMessageRules default_rules = { .exchange = "elves",
                                                 .default_timeout_s = 90,
                                                 .max_message_bytes = MAX_BYTES };

/* Of the flat form; F_REST are the fields that most cases do not vary. */
#define F_REST "'app':'testApp','func':'test','param':'','timeout':0,'proxy':''"
#define F_SYNC "'mqkey':'openapi.scheduler.sendSync.88499CCA100F214','mqtype':'cast',"
#define F_ASYNC "'mqkey':'openapi.scheduler.sendAsync.88499CCA100F214','mqtype':'call',"
#define F_IDS "'id':'88499CCA100F215','rand_id':'88499CCA100F218',"
#define F_WHERE "'agent_ip':'192.168.6.116','mode':'sap',"
/* Of the other two. */
#define SYNC(type, body) \
  "{'mqkey':'openapi.scheduler.syncJob','mqtype':'" type "','mqbody':" body "}"
#define ASYNC(body) "{'mqkey':'queue.scheduler.asyncJob','mqtype':'cast','mqbody':{" body "}}"
#define SYNC_MODE(mode) "{" F_SYNC "'id':'I','agent_ip':'1','mode':" mode "," F_REST "}"
#define ASYNC_MODE(mode) \
  "{" F_ASYNC "'id':'I','job_type':'cron','agent_ip':'1','mode':" mode "," F_REST "}"
#define SYNC_TIMEOUT(value) SYNC ("call", "{'ip':'1','app':'a','func':'f','timeout':" value "}")
#define FLAT_TIMEOUT(value) \
  "{" F_SYNC "'id':'I','agent_ip':'1','mode':'','app':'a','func':'f','timeout':" value "}"

static const char flat_sync[] =
    "flat sync openapi>scheduler/sendSync id=88499CCA100F214 ip=192.168.6.116 type=rt mode=sap/P "
    "app=testApp func=test param= timeout=90 proxy= execution=88499CCA100F214 rand=- "
    "reply=elves/88499CCA100F214/scheduler.openapi";

static const Case examples[] = {
  { "manual: sendSync", "{" F_SYNC "'id':'88499CCA100F214'," F_WHERE F_REST "}",
    .expected = flat_sync },
  { "manual: sendAsync", "{" F_ASYNC "'job_type':'cron'," F_IDS F_WHERE F_REST "}",
    .expected = "flat async openapi>scheduler/sendAsync id=88499CCA100F215 ip=192.168.6.116 "
                "type=cron mode=sap/P app=testApp func=test param= timeout=90 proxy= "
                "execution=88499CCA100F215:88499CCA100F218 rand=88499CCA100F218 "
                "reply=elves/88499CCA100F214/scheduler.openapi wants-acceptance" },
  { "flat async by cast, with reply_to",
    "{'mqkey':'o.s.sendAsync.I','mqtype':'cast','job_type':'queue'," F_IDS F_WHERE F_REST "}",
    .reply_to = "q",
    .expected =
        "flat async o>s/sendAsync id=88499CCA100F215 ip=192.168.6.116 type=queue mode=sap/P "
        "app=testApp func=test param= timeout=90 proxy= "
        "execution=88499CCA100F215:88499CCA100F218 rand=88499CCA100F218 reply=/q/-" },
  { "flat aliases: syncJob, ip; mqbody ignored",
    "{'mqkey':'o.s.syncJob.I','mqtype':'call','ip':'1','mode':'NP','mqbody':{'ip':'2'}," F_REST "}",
    .message_id = "m",
    .expected = "flat sync o>s/syncJob id=NEW ip=1 type=rt mode=NP/NP app=testApp func=test param= "
                "timeout=90 proxy= execution=m rand=- reply=elves/I/s.o" },
  { "flat aliases: asyncJob, type; no rand_id",
    "{'mqkey':'o.s.asyncJob.I','mqtype':'call','type':'Queue','id':7,'ip':'1','mode':'NP'," F_REST
    "}",
    .expected = "flat async o>s/asyncJob id=7 ip=1 type=queue mode=NP/NP app=testApp func=test "
                "param= timeout=90 proxy= execution=7 rand=- reply=elves/I/s.o wants-acceptance" },
  { "flat async of cron, no rand_id: many executions have this id",
    "{'mqkey':'o.s.sendAsync.I','mqtype':'cast','job_type':'cron','id':'C','agent_ip':'1','mode':'"
    "NP'," F_REST "}",
    .expected = "flat async o>s/sendAsync id=C ip=1 type=cron mode=NP/NP app=testApp func=test "
                "param= timeout=90 proxy= execution=- rand=- reply=elves/I/s.o" },
  { "syncJob with reply_to",
    SYNC ("call", "{'ip':'10.0.0.1','app':'a','func':'f','param':'p','proxy':'x','timeout':'60'}"),
    .reply_to = "amq.gen-1", .message_id = "m-1",
    .expected = "reply_to sync openapi>scheduler/syncJob id=NEW ip=10.0.0.1 type=rt mode=/NP app=a "
                "func=f param=p timeout=60 proxy=x execution=m-1 rand=- reply=/amq.gen-1/-" },
  { "syncJob without any address, id not kept",
    SYNC ("cast", "{'ip':'1','app':'a','func':'f','id':'mine','mode':'sap'}"),
    .expected = "reply_to sync openapi>scheduler/syncJob id=NEW ip=1 type=rt mode=sap/sap app=a "
                "func=f param= timeout=90 proxy= execution=- rand=- reply=none" },
  { "call.ID", SYNC ("call.ABCDEF0123456789", "{'ip':'1','app':'a','func':'f','timeout':90}"),
    .expected = "call_id sync openapi>scheduler/syncJob id=NEW ip=1 type=rt mode=/NP app=a func=f "
                "param= timeout=90 proxy= execution=- rand=- reply=elves/ABCDEF0123456789/-" },
  { "call.ID with reply_to", SYNC ("call.A", "{'ip':'1'}"), .reply_to = "q",
    .expected = "call_id sync openapi>scheduler/syncJob id=NEW ip=1 type=rt mode=/NP app= func= "
                "param= timeout=90 proxy= execution=- rand=- reply=/q/-" },
  { "mqbody is a string", SYNC ("call", "'{\\'ip\\':\\'1\\',\\'app\\':\\'\\\\u00e9\\'}'"),
    .expected = "reply_to sync openapi>scheduler/syncJob id=NEW ip=1 type=rt mode=/NP app=\xc3\xa9 "
                "func= param= timeout=90 proxy= execution=- rand=- reply=none" },
  { "mqbody is null", SYNC ("call", "null"),
    .expected = "reply_to sync openapi>scheduler/syncJob id=NEW ip= type=rt mode=/NP app= func= "
                "param= timeout=90 proxy= execution=- rand=- reply=none" },
  { "no mqbody, blank reply_to", "{'mqkey':' a.b.syncJob ','mqtype':' call\\n'}", .reply_to = "",
    .message_id = "",
    .expected = "reply_to sync a>b/syncJob id=NEW ip= type=rt mode=/NP app= func= param= "
                "timeout=90 proxy= execution=- rand=- reply=none" },
  { "transitional: sendSync with agent_ip in mqbody",
    "{'mqkey':'o.s.sendSync','mqtype':'call','mqbody':{'agent_ip':'1','app':'a','func':'f'}}",
    .expected = "reply_to sync o>s/sendSync id=NEW ip=1 type=rt mode=/NP app=a func=f param= "
                "timeout=90 proxy= execution=- rand=- reply=none" },
  { "transitional: sendAsync with job_type in mqbody",
    "{'mqkey':'o.s.sendAsync','mqtype':'cast','mqbody':{'id':'t','agent_ip':'1','app':'a','func':'"
    "f',"
    "'job_type':'queue','mode':'P'}}",
    .expected = "reply_to async o>s/sendAsync id=t ip=1 type=queue mode=P/P app=a func=f param= "
                "timeout=90 proxy= execution=t rand=- reply=none" },
  { "asyncJob of cron",
    "{'mqkey':'cron.scheduler.asyncJob','mqtype':'cast','mqbody':{'id':'C','ip':'1','app':'a',"
    "'func':'f','type':'CRON','mode':'p','param':'x','proxy':'y','timeout':60}}",
    .expected = "reply_to async cron>scheduler/asyncJob id=C ip=1 type=cron mode=p/P app=a func=f "
                "param=x timeout=60 proxy=y execution=- rand=- reply=none" },
  { "asyncJob of cron, its message_id names this execution",
    ASYNC ("'id':'C','ip':'1','app':'a','func':'f','type':'cron','mode':'NP'"),
    .message_id = "C:17",
    .expected = "reply_to async queue>scheduler/asyncJob id=C ip=1 type=cron mode=NP/NP app=a "
                "func=f param= timeout=90 proxy= execution=C:17 rand=17 reply=none" },
  { "a message_id that names nothing behind the id",
    ASYNC ("'id':'C','ip':'1','app':'a','func':'f','type':'cron','mode':'NP'"), .message_id = "C:",
    .expected = "reply_to async queue>scheduler/asyncJob id=C ip=1 type=cron mode=NP/NP app=a "
                "func=f param= timeout=90 proxy= execution=C: rand=- reply=none" },
  { "asyncJob of queue, redelivered with a message_id",
    ASYNC ("'id':'T','ip':'1','app':'a','func':'f','type':'queue','mode':'Np','timeout':''"),
    .message_id = "m",
    .expected = "reply_to async queue>scheduler/asyncJob id=T ip=1 type=queue mode=Np/NP app=a "
                "func=f param= timeout=90 proxy= execution=m rand=- reply=none" },
  { "message_id that is no text",
    ASYNC ("'id':'T','ip':'1','app':'a','func':'f','type':'queue','mode':'NP'"),
    .message_id = "\xff",
    .expected = "reply_to async queue>scheduler/asyncJob id=T ip=1 type=queue mode=NP/NP app=a "
                "func=f param= timeout=90 proxy= execution=T rand=- reply=none" },
  { "scalars become texts, texts are trimmed",
    SYNC ("call", "{'ip':' 1 ','app':12,'func':true,'param':-1.50,'proxy':null,'timeout':' 5 '}"),
    .expected = "reply_to sync openapi>scheduler/syncJob id=NEW ip=1 type=rt mode=/NP app=12 "
                "func=true param=-1.50 timeout=5 proxy= execution=- rand=- reply=none" },
  { "param is an object", SYNC ("call", "{'ip':'1','param':{ 'a' : [1,'\\u00e9'] }}"),
    .expected = "reply_to sync openapi>scheduler/syncJob id=NEW ip=1 type=rt mode=/NP app= func= "
                "param={ 'a' : [1,'\\u00e9'] } timeout=90 proxy= execution=- rand=- reply=none" },
  { "text beyond ASCII, the last of two names",
    SYNC ("call", "{'param':'x','param':'\xe4\xb8\xad \\ud83d\\ude00 \\'\\n.'}"),
    .expected = "reply_to sync openapi>scheduler/syncJob id=NEW ip= type=rt mode=/NP app= func= "
                "param=\xe4\xb8\xad \xf0\x9f\x98\x80 '\n. timeout=90 proxy= execution=- rand=- "
                "reply=none" },
};

#define DROPPED "DROPPED Message structure error! "
static const Case dropped[] = {
  { "empty", "", .expected = DROPPED "empty" },
  { "no JSON", "hello", .expected = DROPPED "not a JSON object" },
  { "an array", "[]", .expected = DROPPED "not a JSON object" },
  { "cut", "{'mqkey':'a.b.syncJob'", .expected = DROPPED "',' or '}'" },
  { "the manual to the letter", "{'id':'1'\n'agent_ip':'1'}", .expected = DROPPED "',' or '}'" },
  { "invalid UTF-8", "{'a':'\xff'}", .expected = DROPPED "not UTF-8" },
  { "NUL escape", SYNC ("call", "{'param':'a\\u0000b'}"), .expected = DROPPED "NUL in a text" },
  { "NUL escape behind backslashes", SYNC ("call", "{'param':'a\\\\\\u0000b'}"),
    .expected = DROPPED "NUL in a text" },
  { "NUL escape in an mqbody string", SYNC ("call", "'{\\'param\\':\\'a\\\\u0000b\\'}'"),
    .expected = DROPPED "mqbody: NUL in a text" },
  { "lone surrogate", SYNC ("call", "{'param':'\\ud800'}"), .expected = DROPPED "half a surr" },
  { "no mqkey", "{'mqtype':'call'}", .expected = DROPPED "no mqkey" },
  { "mqkey null", "{'mqkey':null,'mqtype':'call'}", .expected = DROPPED "no mqkey" },
  { "mqkey a number", "{'mqkey':1.5,'mqtype':'call'}", .expected = DROPPED "no mqkey" },
  { "mqkey blank", "{'mqkey':' ','mqtype':'call'}", .expected = DROPPED "mqkey must have" },
  { "mqkey of 1", "{'mqkey':'syncJob','mqtype':'call'}", .expected = DROPPED "mqkey must have" },
  { "mqkey of 2", "{'mqkey':'a.syncJob','mqtype':'call'}", .expected = DROPPED "mqkey must have" },
  { "mqkey of 5", "{'mqkey':'a.b.syncJob.I.x','mqtype':'call'}", .expected = DROPPED "mqkey must" },
  { "mqkey of 9", "{'mqkey':'a.b.c.d.e.f.g.h.i','mqtype':'call'}",
    .expected = DROPPED "mqkey must" },
  { "no from", "{'mqkey':'.b.syncJob','mqtype':'call'}", .expected = DROPPED "mqkey has an empty" },
  { "no to", "{'mqkey':'a..syncJob','mqtype':'call'}", .expected = DROPPED "mqkey has an empty" },
  { "no ID", "{'mqkey':'a.b.sendSync.','mqtype':'call'}",
    .expected = DROPPED "mqkey has an empty" },
  { "no mqtype", "{'mqkey':'a.b.syncJob'}", .expected = DROPPED "no mqtype" },
  { "mqtype Call", SYNC ("Call", "{}"), .expected = DROPPED "mqtype must be" },
  { "mqtype callID", SYNC ("callID", "{}"), .expected = DROPPED "mqtype must be" },
  { "mqtype call.", SYNC ("call.", "{}"), .expected = DROPPED "mqtype must be" },
  { "mqtype call.A.B", SYNC ("call.A.B", "{}"), .expected = DROPPED "mqtype must be" },
  { "mqtype cast.A", SYNC ("cast.A", "{}"), .expected = DROPPED "mqtype must be" },
  { "mqtype blank", SYNC ("", "{}"), .expected = DROPPED "mqtype must be" },
  { "flat with call.ID", "{'mqkey':'a.b.sendSync.I','mqtype':'call.I'}",
    .expected = DROPPED "mqtype must be" },
  { "mqbody an array", SYNC ("call", "[]"), .expected = DROPPED "mqbody is not an object" },
  { "mqbody a number", SYNC ("call", "1"), .expected = DROPPED "mqbody is not an object" },
  { "mqbody a text", SYNC ("call", "'hello'"), .expected = DROPPED "mqbody: not a JSON object" },
  { "mqbody blank", SYNC ("call", "''"), .expected = DROPPED "mqbody: not a JSON object" },
  { "unknown action", "{'mqkey':'a.b.nope','mqtype':'call'}",
    .expected = "DROPPED unknown action 'nope'" },
  { "action of other case", "{'mqkey':'a.b.SyncJob','mqtype':'call'}",
    .expected = "DROPPED unknown action" },
  { "unknown flat action", "{'mqkey':'a.b.nope.I','mqtype':'call'}",
    .expected = "DROPPED unknown action" },
};

#define FLAT_ASYNC(id, type) \
  "{" F_ASYNC "'id':" id ",'job_type':" type ",'agent_ip':'1','mode':'NP'," F_REST "}"
static const Case refused[] = {
  { "sync: ip an object", SYNC ("call", "{'ip':{}}"), .expected = "REFUSED [403.1]" },
  { "sync: timeout abc", SYNC_TIMEOUT ("'abc'"), .expected = "REFUSED [403.8]" },
  { "sync: timeout -1", SYNC_TIMEOUT ("-1"), .expected = "REFUSED [403.8]" },
  { "sync: timeout 1.5", SYNC_TIMEOUT ("1.5"), .expected = "REFUSED [403.8]" },
  { "sync: timeout 1e3", SYNC_TIMEOUT ("1e3"), .expected = "REFUSED [403.8]" },
  { "sync: timeout 0x10", SYNC_TIMEOUT ("'0x10'"), .expected = "REFUSED [403.8]" },
  { "sync: timeout 2^31", SYNC_TIMEOUT ("2147483648"), .expected = "REFUSED [403.8]" },
  { "sync: timeout 2^64", SYNC_TIMEOUT ("18446744073709551617"), .expected = "REFUSED [403.8]" },
  { "sync: timeout true", SYNC_TIMEOUT ("true"), .expected = "REFUSED [403.8]" },
  { "sync: retry 11", SYNC ("call", "{'retry':11}"), .expected = "REFUSED [403.9]" },
  { "sync: retry -1", SYNC ("call", "{'retry':-1}"), .expected = "REFUSED [403.9]" },
  { "sync: retry an object", SYNC ("call", "{'retry':{}}"), .expected = "REFUSED [403.9]" },
  { "flat: retry", "{" F_SYNC "'agent_ip':'1','app':'a','func':'f','mode':'NP','retry':'often'}",
    .expected = "REFUSED+ [403.9]Request Params (retry) Illegal" },
  { "sync: timeout an object", SYNC_TIMEOUT ("{}"), .expected = "REFUSED [403.8]" },
  { "async: no id", ASYNC ("'ip':'1','app':'a','func':'f','type':'cron','mode':'P'"),
    .expected = "REFUSED [403.2]Request Params (id) Illegal" },
  { "async: no ip", ASYNC ("'id':'1','app':'a','func':'f','type':'cron','mode':'P'"),
    .expected = "REFUSED [403.1]Request Params (ip) Illegal" },
  { "async: blank app", ASYNC ("'id':'1','ip':'1','app':' ','func':'f','type':'cron','mode':'P'"),
    .expected = "REFUSED [403.3]Request Params (app) Illegal" },
  { "async: func null", ASYNC ("'id':'1','ip':'1','app':'a','func':null,'type':'cron','mode':'P'"),
    .expected = "REFUSED [403.7]Request Params (func) Illegal" },
  { "async: type rt", ASYNC ("'id':'1','ip':'1','app':'a','func':'f','type':'rt','mode':'P'"),
    .expected = "REFUSED [403.5]" },
  { "async: no type", ASYNC ("'id':'1','ip':'1','app':'a','func':'f','mode':'P'"),
    .expected = "REFUSED [403.5]" },
  { "async: mode x", ASYNC ("'id':'1','ip':'1','app':'a','func':'f','type':'cron','mode':'x'"),
    .expected = "REFUSED [403.4]Request Params (mode) Illegal" },
  { "async: mode sap", ASYNC ("'id':'1','ip':'1','app':'a','func':'f','type':'cron','mode':'sap'"),
    .expected = "REFUSED [403.4]" },
  { "async: no mode", ASYNC ("'id':'1','ip':'1','app':'a','func':'f','type':'cron'"),
    .expected = "REFUSED [403.4]" },
  { "async: timeout abc",
    ASYNC ("'id':'1','ip':'1','app':'a','func':'f','type':'cron','mode':'P','timeout':'abc'"),
    .expected = "REFUSED [403.8]Request Params (timeout) Illegal" },
  { "async: proxy an array",
    ASYNC ("'id':'1','ip':'1','app':'a','func':'f','type':'cron','mode':'P','proxy':[]"),
    .expected = "REFUSED [403.2]Request Params (proxy) Illegal" },
  /* Flat ones have a reply: the first fault counts. */
  { "flat: nothing given", "{" F_SYNC "'x':1}",
    .expected = "REFUSED+ [403.1]Request Params (ip) Illegal" },
  { "flat: no app", "{" F_SYNC "'agent_ip':'1'}",
    .expected = "REFUSED+ [403.3]Request Params (app) Illegal" },
  { "flat: no func", "{" F_SYNC "'agent_ip':'1','app':'a','mode':'x'}",
    .expected = "REFUSED+ [403.7]Request Params (func) Illegal" },
  { "flat: mode", SYNC_MODE ("'x'"), .expected = "REFUSED+ [403.4]Request Params (mode) Illegal" },
  { "flat: mode a list", SYNC_MODE ("[]"), .expected = "REFUSED+ [403.4]" },
  { "flat async: mode blank", ASYNC_MODE ("''"), .expected = "REFUSED+ [403.4]" },
  { "flat: timeout", FLAT_TIMEOUT ("'soon'"),
    .expected = "REFUSED+ [403.8]Request Params (timeout) Illegal" },
  { "flat async: no id", FLAT_ASYNC ("''", "'cron'"),
    .expected = "REFUSED+ [403.2]Request Params (id) Illegal" },
  { "flat async: the manual's pair of types", FLAT_ASYNC ("'1'", "'cron/queue'"),
    .expected = "REFUSED+ [403.5]Request Params (job_type) Illegal" },
  { "flat async by cast: nobody to tell", "{'mqkey':'a.b.sendAsync.I','mqtype':'cast'}",
    .expected = "REFUSED [403.1]" },
};

static char *
quote (const char *message)
{
  return g_strdelimit (g_strdup (message), "'", '"');
}

static gboolean
is_new_id (const char *id)
{
  return strlen (id) == 16 && strspn (id, "0123456789ABCDEF") == 16;
}

static const char *
or_dash (const char *text)
{
  return text ? text : "-";
}

static char *
describe (const ElvesJob *job, const char *message)
{
  static const char *const generations[] = { "flat", "call_id", "reply_to" };
  const ElvesInstruct *in = job->instruct;
  gboolean is_new = !strstr (message, in->id) && is_new_id (in->id);
  gsize length;
  const char *param = g_bytes_get_data (in->param, &length);
  g_autofree char *param_text = g_strndup (length > 0 ? param : "", length);
  g_strdelimit (param_text, "\"", '\'');
  g_autoptr (GString) text = g_string_new (NULL);
  g_string_append_printf (
      text, "%s %s %s>%s/%s id=%s ip=%s type=%s mode=%s/%s app=%s func=%s param=%s",
      generations[job->generation], job->kind == ELVES_JOB_SYNC ? "sync" : "async", job->from,
      job->to, job->action, is_new ? "NEW" : in->id, in->ip, in->type, job->mode, in->mode, in->app,
      in->func, param_text);
  g_string_append_printf (text, " timeout=%d proxy=%s execution=%s rand=%s reply=", in->timeout_s,
                          in->proxy, or_dash (in->execution), or_dash (job->rand_id));
  if (elves_job_has_reply_address (job))
    g_string_append_printf (text, "%s/%s/%s", job->reply.exchange, job->reply.routing_key,
                            or_dash (job->reply.cc));
  else
    g_string_append (text, "none");
  g_string_append (text, job->wants_acceptance ? " wants-acceptance" : "");
  return g_strdup (text->str);
}

static ElvesMessageVerdict
parse (const ElvesMessageRules *rules, const Case *c, const char *message, char **out_text)
{
  const ElvesMessageProperties properties = { .reply_to = c->reply_to,
                                              .message_id = c->message_id,
                                              .correlation_id = "corr" };
  g_autoptr (ElvesJob) job = NULL;
  g_autoptr (ElvesPublication) refusal = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *exact = *message ? g_memdup2 (message, strlen (message)) : NULL;
  ElvesMessageVerdict verdict =
      elves_job_message_parse (rules, &properties, exact, strlen (message), &job, &refusal, &error);
  g_assert_true ((verdict == ELVES_MESSAGE_JOB) == (job && !error && !refusal));
  g_assert_true (verdict != ELVES_MESSAGE_DROPPED || !refusal);
  if (job)
    {
      *out_text = describe (job, message);
      g_assert_cmpstr (job->reply.correlation_id, ==,
                       elves_job_has_reply_address (job) ? "corr" : NULL);
    }
  else
    *out_text =
        g_strdup_printf ("%s%s %s", verdict == ELVES_MESSAGE_DROPPED ? "DROPPED" : "REFUSED",
                         refusal ? "+" : "", error->message);
  return verdict;
}

static void
test_example (const void *data)
{
  const Case *c = data;
  g_autofree char *message = quote (c->message);
  g_autofree char *text = NULL;
  parse (&default_rules, c, message, &text);
  g_assert_cmpstr (text, ==, c->expected);
}

static void
test_wrong (const void *data)
{
  const Case *c = data;
  g_autofree char *message = quote (c->message);
  g_autofree char *text = NULL;
  parse (&default_rules, c, message, &text);
  if (!g_str_has_prefix (text, c->expected))
    g_assert_cmpstr (text, ==, c->expected);
}

static char *
map_mode (const char *format, const char *mode)
{
  Case c = { 0 };
  g_autofree char *with_quotes = quote (format);
  g_auto (GStrv) parts = g_strsplit (with_quotes, "MODE", 2);
  g_autofree char *message = g_strjoinv (mode, parts);
  g_autofree char *text = NULL;
  if (parse (&default_rules, &c, message, &text) != ELVES_MESSAGE_JOB)
    return g_strdup ("illegal");
  const char *start = strstr (text, "mode=");
  start = strchr (start, '/') + 1;
  return g_strndup (start, strcspn (start, " "));
}

static void
test_flat_modes (void)
{
  static const struct
  {
    const char *mode, *sync, *async;
  } cases[] = { { "P", "P", "P" },
                { "sap", "P", "P" },
                { "aap", "P", "P" },
                { "ssp", "P", "P" },
                { "cap", "P", "P" },
                { "NP", "NP", "NP" },
                { "sanp", "NP", "NP" },
                { "aanp", "NP", "NP" },
                { "ssnp", "NP", "NP" },
                { "canp", "NP", "NP" },
                { "csnp", "NP", "NP" },
                { "", "NP", "illegal" },
                { "SaNP", "NP", "NP" },
                { "SAP", "P", "P" },
                { "np", "NP", "NP" },
                { " sap ", "P", "P" },
                { "csp", "illegal", "illegal" },
                { "sapp", "illegal", "illegal" } };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *sync = map_mode (SYNC_MODE ("'MODE'"), cases[i].mode);
      g_autofree char *async = map_mode (ASYNC_MODE ("'MODE'"), cases[i].mode);
      g_assert_cmpstr (sync, ==, cases[i].sync);
      g_assert_cmpstr (async, ==, cases[i].async);
    }
}

static int
effective_timeout (const ElvesMessageRules *rules, const char *message)
{
  Case c = { 0 };
  g_autofree char *quoted = quote (message);
  g_autofree char *text = NULL;
  if (parse (rules, &c, quoted, &text) != ELVES_MESSAGE_JOB)
    return -1;
  return atoi (strstr (text, "timeout=") + strlen ("timeout="));
}

static void
test_timeouts (void)
{
  static const struct
  {
    const char *flat, *sync;
    int flat_s, flat_ms_s, sync_s;
  } cases[] = {
#define T(value) FLAT_TIMEOUT (value), SYNC_TIMEOUT (value)
    { T ("0"), 90, 90, 0 },
    { T ("'0'"), 90, 90, 0 },
    { T ("null"), 90, 90, 90 },
    { T ("' '"), 90, 90, 90 },
    { T ("1"), 1, 1, 1 },
    { T ("'5000'"), 5000, 5, 5000 },
    { T ("5001"), 5001, 6, 5001 },
    { T ("30.0"), 30, 1, 30 },
    { T ("2147483647"), G_MAXINT32, 2147484, G_MAXINT32 },
    { T ("2147483647000"), -1, G_MAXINT32, -1 },
    { T ("2147483647001"), -1, -1, -1 },
    { T ("9223372036854775807"), -1, -1, -1 },
    { T ("-0"), -1, -1, -1 },
    { T ("0.5"), -1, -1, -1 },
    { T ("'5s'"), -1, -1, -1 },
#undef T
  };
  ElvesMessageRules ms_rules = default_rules;
  ms_rules.legacy_timeout_ms = TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i].flat);
      g_assert_cmpint (effective_timeout (&default_rules, cases[i].flat), ==, cases[i].flat_s);
      g_assert_cmpint (effective_timeout (&ms_rules, cases[i].flat), ==, cases[i].flat_ms_s);
      g_assert_cmpint (effective_timeout (&default_rules, cases[i].sync), ==, cases[i].sync_s);
      g_assert_cmpint (effective_timeout (&ms_rules, cases[i].sync), ==, cases[i].sync_s);
    }
}

static void
assert_dropped (const char *message, const char *expected)
{
  Case c = { .message = message, .expected = expected };
  test_wrong (&c);
}

static void
test_limits (void)
{
  g_autofree char *part = g_strnfill (256, 'x');
  g_autofree char *long_key = g_strdup_printf ("{'mqkey':'a.b.sendSync.%s','mqtype':'cast'}", part);
  assert_dropped (long_key, DROPPED "no mqkey");
  g_autofree char *long_type = g_strdup_printf ("{'mqkey':'a.b.syncJob','mqtype':'call.%s'}", part);
  assert_dropped (long_type, DROPPED "no mqtype");
  g_autofree char *large = g_strnfill (MAX_BYTES + 1, ' ');
  assert_dropped (large, DROPPED "too large");
  g_autofree char *deep = g_strnfill (MAX_BYTES - 5, '[');
  g_autofree char *deep_message = g_strconcat ("{'a':", deep, NULL);
  assert_dropped (deep_message, DROPPED "nested too deeply");
  g_autofree char *deep_body = g_strnfill (1000, '[');
  g_autofree char *deep_string = g_strdup_printf (SYNC ("call", "'{\\'a\\':%s'"), deep_body);
  assert_dropped (deep_string, DROPPED "mqbody: nested too deeply");
}

static void
test_ids (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < 1000; i++)
    {
      char *id = elves_job_new_id ();
      g_assert_true (is_new_id (id));
      g_assert_true (g_hash_table_add (seen, id));
    }
}

static void
add_cases (const char *group, const Case *cases, gsize n_cases, GTestDataFunc run)
{
  for (gsize i = 0; i < n_cases; i++)
    {
      g_autofree char *path = g_strdup_printf ("/job-message/%s/%s", group, cases[i].name);
      g_test_add_data_func (path, &cases[i], run);
    }
}

static void
test_retries (void)
{
  static const struct
  {
    const char *message;
    guint retries;
  } cases[] = {
    { SYNC ("call", "{}"), 0 },
    { SYNC ("call", "{'retry':null}"), 0 },
    { SYNC ("call", "{'retry':10}"), 10 },
    { SYNC ("call", "{'retry':'3'}"), 3 },
    { "{" F_SYNC "'agent_ip':'1','app':'a','func':'f','mode':'NP','retry':2}", 2 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const ElvesMessageProperties properties = { NULL };
      g_autofree char *message = quote (cases[i].message);
      g_autoptr (ElvesJob) job = NULL;
      g_autoptr (ElvesPublication) refusal = NULL;
      g_autoptr (GError) error = NULL;

      elves_job_message_parse (&default_rules, &properties, message, strlen (message), &job,
                               &refusal, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (job->retries, ==, cases[i].retries);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_cases ("example", examples, G_N_ELEMENTS (examples), test_example);
  add_cases ("dropped", dropped, G_N_ELEMENTS (dropped), test_wrong);
  add_cases ("refused", refused, G_N_ELEMENTS (refused), test_wrong);
  g_test_add_func ("/job-message/flat-modes", test_flat_modes);
  g_test_add_func ("/job-message/timeouts", test_timeouts);
  g_test_add_func ("/job-message/limits", test_limits);
  g_test_add_func ("/job-message/ids", test_ids);
  g_test_add_func ("/job-message/retries", test_retries);
  return g_test_run ();
}
