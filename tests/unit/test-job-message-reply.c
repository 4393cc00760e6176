/* Outcomes out: every reply and cast of elves-amqp.md, compared member by member and type by type
   with json-glib as the reader, and where it is sent.

   JSON is written with ' for ", and $ID stands for the id that the parser made. */
#include "common/job-message.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* 2016-06-27 12:51:05 UTC */
#define STARTED_US (G_GINT64_CONSTANT (1467031865) * G_USEC_PER_SEC)

typedef enum
{
  REPLY,
  ACCEPTANCE,
  RESULT,
  REFUSAL
} Answer;

typedef enum
{
  NOT_DELIVERED,
  NOT_DELIVERED_DETAIL,
  SUCCESS,
  SAID_NO,
  COULD_NOT,
  SILENT
} What;

typedef struct
{
  const char *name;
  Answer answer;
  What what;
  const char *message, *reply_to;
  const char *address; /* exchange/routing key/cc/content type/encoding */
  const char *body;    /* NULL: nothing is sent */
} Case;

static const ElvesMessageRules default_rules = { .exchange = "elves",
                                                 .default_timeout_s = 90,
                                                 .max_message_bytes = 1 << 20 };

#define SYNC(type)                                       \
  "{'mqkey':'openapi.scheduler.syncJob','mqtype':'" type \
  "','mqbody':{'ip':'10.0.0.1','app':'a','func':'f'}}"
#define SYNC_SOON(type)                                  \
  "{'mqkey':'openapi.scheduler.syncJob','mqtype':'" type \
  "','mqbody':{'ip':'1','app':'a','func':'f','timeout':'soon'}}"
#define ASYNC(type, id)                                                     \
  "{'mqkey':'queue.scheduler.asyncJob','mqtype':'cast','mqbody':{'id':'" id \
  "','ip':'1','app':'a','func':'f','type':'" type "','mode':'NP'}}"
#define FLAT_SYNC                                                                                 \
  "{'mqkey':'openapi.scheduler.sendSync.88499CCA100F214','mqtype':'cast','id':'88499CCA100F214'," \
  "'agent_ip':'192.168.6.116','mode':'sap','app':'testApp','func':'test','param':'{\\'a\\':1}',"  \
  "'timeout':0,'proxy':'py'}"
#define FLAT_ASYNC(type)                                                                          \
  "{'mqkey':'openapi.scheduler.sendAsync.88499CCA100F214','mqtype':'" type "','job_type':'cron'," \
  "'id':'88499CCA100F215','rand_id':'88499CCA100F218','agent_ip':'192.168.6.116','mode':'sap',"   \
  "'app':'testApp','func':'test','param':'','timeout':0,'proxy':''}"

#define TO_QUEUE "/amq.gen-1/-/application/octet-stream/-"
#define TO_QUEUE_TEXT "/amq.gen-1/-/text/plain/UTF-8"
#define TO_FLAT_ID "elves/88499CCA100F214/scheduler.openapi/text/plain/UTF-8"
#define TO_CRON "elves/scheduler.cron/-/text/plain/UTF-8"
#define TO_TASKS "elves/scheduler.queue/-/text/plain/UTF-8"

#define HEAD "'mqkey':'scheduler.openapi','mqflag':'cast','mqtype':'cast',"
#define FAIL_0 "'[410.0]Send Job To Agent Fail'"
#define FAIL_1 "'[410.1]Send Job To Agent Fail'"
#define FLAT_HEAD(action, flag, error)                                                     \
  "'mqkey':'scheduler.openapi." action ".88499CCA100F214','mqtype':'cast','mqflag':'" flag \
  "','mqerror':" error ","
#define FLAT_REQUEST                                                                    \
  "'log_id':'88499CCA100F214','agent_ip':'192.168.6.116','mode':'sap','app':'testApp'," \
  "'func':'test','param':'{\\'a\\':1}','timeout':90,'proxy':'py',"                      \
  "'starttime':'2016-06-27 12:51:05','endtime':'2016-06-27 12:51:07',"                  \
  "'processor_sync_flag':0,'processor_sync_error':'','processor_sync_costtime':0,"
#define DELIVERED "'agent_sync_flag':1,'agent_sync_error':'','agent_sync_costtime':50,"
#define FLAT_SUCCESS(worker)      \
  "{" FLAT_HEAD ("sendSync", "1", \
                 "''") "'data':{'flag':0,'error':''," FLAT_REQUEST DELIVERED worker "}}"
#define FLAT_FAILURE(more)                                                                         \
  "{" FLAT_HEAD ("sendSync", "0", FAIL_0) "'data':{'flag':1,'error':" FAIL_0 "," FLAT_REQUEST      \
                                          "'agent_sync_flag':0,'agent_sync_error':" FAIL_0         \
                                          ",'agent_sync_costtime':50,"                             \
                                          "'worker_message':'','worker_costtime':0,'result_flag':" \
                                          "0,'reason':'unreachable'" more "}}"

static const Case cases[] = {
  { "sync, success", REPLY, SUCCESS, SYNC ("call"), "amq.gen-1", TO_QUEUE,
    "{" HEAD "'mqbody':{'flag':'true','error':'','result':{'id':'$ID','worker_flag':1,"
    "'worker_message':'done \xe4\xb8\xad','worker_costtime':12}}}" },
  { "sync by cast, the worker said no", REPLY, SAID_NO, SYNC ("cast"), "amq.gen-1", TO_QUEUE,
    "{" HEAD "'mqbody':{'flag':'true','error':'','result':{'id':'$ID','worker_flag':0,"
    "'worker_message':'done \xe4\xb8\xad','worker_costtime':12}}}" },
  { "sync, could not be run", REPLY, COULD_NOT, SYNC ("call"), "amq.gen-1", TO_QUEUE,
    "{" HEAD "'mqbody':{'flag':'true','error':'','result':{'id':'$ID','worker_flag':-1,"
    "'reason':'timeout','worker_message':'done \xe4\xb8\xad','worker_costtime':12}}}" },
  { "sync, the agent sent no text", REPLY, SILENT, SYNC ("call"), "amq.gen-1", TO_QUEUE,
    "{" HEAD "'mqbody':{'flag':'true','error':'','result':{'id':'$ID','worker_flag':1,"
    "'worker_costtime':12}}}" },
  { "sync, not delivered", REPLY, NOT_DELIVERED, SYNC ("call"), "amq.gen-1", TO_QUEUE,
    "{" HEAD "'mqbody':{'flag':'false','error':" FAIL_0 ",'reason':'unreachable'}}" },
  { "sync, not delivered, with detail", REPLY, NOT_DELIVERED_DETAIL, SYNC ("call"), "amq.gen-1",
    TO_QUEUE,
    "{" HEAD "'mqbody':{'flag':'false','error':" FAIL_0
    ",'reason':'unreachable','detail':'connect \xef\xbf\xbd'}}" },
  { "sync, timing asked for", REPLY, SUCCESS,
    "{'mqkey':'openapi.scheduler.syncJob','mqtype':'call',"
    "'mqbody':{'ip':'10.0.0.1','app':'a','func':'f','timing':true}}",
    "amq.gen-1", TO_QUEUE,
    "{" HEAD "'mqbody':{'flag':'true','error':'','result':{'id':'$ID','worker_flag':1,"
    "'worker_message':'done \xe4\xb8\xad','worker_costtime':12},"
    "'timing':{'scheduler_us':2000000,'agent_us':50123}}}" },
  { "sync, timing not asked for", REPLY, SUCCESS,
    "{'mqkey':'openapi.scheduler.syncJob','mqtype':'call',"
    "'mqbody':{'ip':'10.0.0.1','app':'a','func':'f','timing':'true'}}",
    "amq.gen-1", TO_QUEUE,
    "{" HEAD "'mqbody':{'flag':'true','error':'','result':{'id':'$ID','worker_flag':1,"
    "'worker_message':'done \xe4\xb8\xad','worker_costtime':12}}}" },
  { "sync, nobody to answer", REPLY, SUCCESS, SYNC ("call"), NULL, NULL, NULL },
  { "call.ID", REPLY, NOT_DELIVERED, SYNC ("call.ABC"), NULL, "elves/ABC/-/text/plain/UTF-8",
    "{" HEAD "'mqbody':{'flag':'false','error':" FAIL_0 ",'reason':'unreachable'}}" },
  { "call.ID with reply_to", REPLY, NOT_DELIVERED, SYNC ("call.ABC"), "amq.gen-1", TO_QUEUE_TEXT,
    "{" HEAD "'mqbody':{'flag':'false','error':" FAIL_0 ",'reason':'unreachable'}}" },
  { "async has no reply", REPLY, SUCCESS, ASYNC ("queue", "T"), "amq.gen-1", NULL, NULL },
  { "async has no acceptance", ACCEPTANCE, SUCCESS, ASYNC ("queue", "T"), "amq.gen-1", NULL, NULL },
  { "async cast is refused in silence", REFUSAL, SUCCESS, ASYNC ("rt", "T"), "amq.gen-1", NULL,
    NULL },
  { "async call is refused with words", REFUSAL, SUCCESS,
    "{'mqkey':'openapi.scheduler.asyncJob','mqtype':'call','mqbody':{'id':'I','ip':'1','app':'a',"
    "'func':'f','type':'rt','mode':'P'}}",
    "amq.gen-1", TO_QUEUE,
    "{" HEAD "'mqbody':{'flag':'false','error':'[403.5]Request Params (job_type) Illegal',"
    "'reason':'invalid'}}" },
  { "sync is refused with words", REFUSAL, SUCCESS, SYNC_SOON ("call"), "amq.gen-1", TO_QUEUE,
    "{" HEAD "'mqbody':{'flag':'false','error':'[403.8]Request Params (timeout) Illegal',"
    "'reason':'invalid'}}" },
  { "sync by call.ID is refused with words", REFUSAL, SUCCESS, SYNC_SOON ("call.ID7"), NULL,
    "elves/ID7/-/text/plain/UTF-8",
    "{" HEAD "'mqbody':{'flag':'false','error':'[403.8]Request Params (timeout) Illegal',"
    "'reason':'invalid'}}" },
  { "nobody to say it to", REFUSAL, SUCCESS, SYNC_SOON ("call"), NULL, NULL, NULL },

  { "flat sync, success", REPLY, SUCCESS, FLAT_SYNC, NULL, TO_FLAT_ID,
    FLAT_SUCCESS ("'worker_message':'done \xe4\xb8\xad','worker_costtime':12,'result_flag':1") },
  { "flat sync with reply_to", REPLY, SUCCESS, FLAT_SYNC, "amq.gen-1", TO_QUEUE_TEXT,
    FLAT_SUCCESS ("'worker_message':'done \xe4\xb8\xad','worker_costtime':12,'result_flag':1") },
  { "flat sync, the agent sent no text", REPLY, SILENT, FLAT_SYNC, NULL, TO_FLAT_ID,
    FLAT_SUCCESS ("'worker_message':'','worker_costtime':12,'result_flag':1") },
  { "flat sync, the worker said no", REPLY, SAID_NO, FLAT_SYNC, NULL, TO_FLAT_ID,
    FLAT_SUCCESS ("'worker_message':'done \xe4\xb8\xad','worker_costtime':12,'result_flag':0") },
  { "flat sync, could not be run", REPLY, COULD_NOT, FLAT_SYNC, NULL, TO_FLAT_ID,
    FLAT_SUCCESS ("'worker_message':'done \xe4\xb8\xad','worker_costtime':12,'result_flag':0,"
                  "'reason':'timeout'") },
  { "flat sync, not delivered", REPLY, NOT_DELIVERED, FLAT_SYNC, NULL, TO_FLAT_ID,
    FLAT_FAILURE ("") },
  { "flat sync, not delivered, with detail", REPLY, NOT_DELIVERED_DETAIL, FLAT_SYNC, NULL,
    TO_FLAT_ID, FLAT_FAILURE (",'detail':'connect \xef\xbf\xbd'") },
  { "flat sync, refused", REFUSAL, NOT_DELIVERED,
    "{'mqkey':'openapi.scheduler.sendSync.88499CCA100F214','mqtype':'cast','id':'X','app':5,"
    "'agent_ip':' ','func':'f','mode':'zz','timeout':'soon','param':[1],'proxy':null}",
    NULL, TO_FLAT_ID,
    "{" FLAT_HEAD (
        "sendSync",
        "0",
        "'[403.1]Request Params (ip) Illegal'") "'data':{'flag':1,'error':'[403.1]Request Params "
                                                "(ip) Illegal','log_id':'X','agent_ip':'',"
                                                "'mode':'zz','app':'5','func':'f','param':'[1]','"
                                                "timeout':0,'proxy':'','agent_sync_flag':0,"
                                                "'agent_sync_error':'','agent_sync_costtime':0,'"
                                                "worker_message':'','worker_costtime':0,"
                                                "'processor_sync_flag':0,'processor_sync_error':'',"
                                                "'processor_sync_costtime':0,"
                                                "'result_flag':0,'reason':'invalid'}}" },

  { "flat async, taken", ACCEPTANCE, SUCCESS, FLAT_ASYNC ("call"), NULL, TO_FLAT_ID,
    "{" FLAT_HEAD ("sendAsync", "1", "''") "'data':{'flag':0,'error':'','id':'88499CCA100F215',"
                                           "'rand_id':'88499CCA100F218'," DELIVERED
                                           "'result_flag':2}}" },
  { "flat async, not delivered", ACCEPTANCE, NOT_DELIVERED, FLAT_ASYNC ("call"), "amq.gen-1",
    TO_QUEUE_TEXT,
    "{" FLAT_HEAD (
        "sendAsync",
        "0",
        FAIL_1) "'data':{'flag':1,'error':" FAIL_1
                ",'id':'88499CCA100F215','rand_id':'88499CCA100F218','agent_sync_flag':0,"
                "'agent_sync_error':" FAIL_1 ",'agent_sync_costtime':50,'result_flag':0,"
                "'reason':'unreachable'}}" },
  { "flat async by cast", ACCEPTANCE, SUCCESS, FLAT_ASYNC ("cast"), "amq.gen-1", NULL, NULL },
  { "flat async, refused", REFUSAL, NOT_DELIVERED,
    "{'mqkey':'openapi.scheduler.sendAsync.88499CCA100F214','mqtype':'call','agent_ip':'1',"
    "'app':'a','func':'f','mode':'sap','job_type':'cron/queue','id':'I'}",
    NULL, TO_FLAT_ID,
    "{" FLAT_HEAD (
        "sendAsync",
        "0",
        "'[403.5]Request Params (job_type) Illegal'") "'data':{'flag':1,'error':'[403.5]Request "
                                                      "Params (job_type) "
                                                      "Illegal','id':'I','rand_id':'',"
                                                      "'agent_sync_flag':0,'agent_sync_error':'','"
                                                      "agent_sync_costtime':0,'result_flag':0,"
                                                      "'reason':'invalid'}}" },

  { "result of cron", RESULT, SUCCESS, ASYNC ("Cron", "C"), NULL, TO_CRON,
    "{'mqkey':'scheduler.cron.cronResult','mqtype':'cast','mqbody':{'flag':'true','error':'',"
    "'result':{'id':'C','worker_flag':1,'worker_message':'done \xe4\xb8\xad',"
    "'worker_costtime':12}}}" },
  { "result of queue, could not be run", RESULT, COULD_NOT, ASYNC ("queue", "T"), NULL, TO_TASKS,
    "{'mqkey':'scheduler.queue.taskResult','mqtype':'cast','mqbody':{'flag':'true','error':'',"
    "'result':{'id':'T','worker_flag':-1,'reason':'timeout','worker_message':'done \xe4\xb8\xad',"
    "'worker_costtime':12}}}" },
  { "result of queue, silent", RESULT, SILENT, ASYNC ("queue", "T"), NULL, TO_TASKS,
    "{'mqkey':'scheduler.queue.taskResult','mqtype':'cast','mqbody':{'flag':'true','error':'',"
    "'result':{'id':'T','worker_flag':1,'worker_costtime':12}}}" },
  { "result of queue, not delivered", RESULT, NOT_DELIVERED, ASYNC ("queue", "T"), NULL, TO_TASKS,
    "{'mqkey':'scheduler.queue.taskResult','mqtype':'cast','mqbody':{'flag':'false','error':" FAIL_1
    ",'reason':'unreachable','result':{'id':'T'}}}" },
  { "result of a flat job has its rand_id", RESULT, SUCCESS, FLAT_ASYNC ("cast"), NULL, TO_CRON,
    "{'mqkey':'scheduler.cron.cronResult','mqtype':'cast','mqbody':{'flag':'true','error':'',"
    "'result':{'id':'88499CCA100F215','rand_id':'88499CCA100F218','worker_flag':1,"
    "'worker_message':'done \xe4\xb8\xad','worker_costtime':12}}}" },
  { "no result of type rt", RESULT, SUCCESS, SYNC ("call"), "amq.gen-1", NULL, NULL },
};

static void
init_outcome (ElvesOutcome *outcome, What what, ElvesInstruct *instruct)
{
  static const gint32 flags[] = { [SUCCESS] = 1, [SAID_NO] = 0, [COULD_NOT] = -1, [SILENT] = 1 };
  if (what == NOT_DELIVERED || what == NOT_DELIVERED_DETAIL)
    elves_outcome_init_failure (outcome, ELVES_REASON_UNREACHABLE,
                                what == NOT_DELIVERED ? NULL : "connect \xff");
  else
    {
      g_autoptr (ElvesReinstruct) answer = elves_reinstruct_new (instruct);
      answer->flag = flags[what];
      answer->cost_ms = 12;
      answer->reason = what == COULD_NOT ? ELVES_REASON_TIMEOUT : ELVES_REASON_NONE;
      answer->result = what == SILENT ? NULL : g_bytes_new_static ("done \xe4\xb8\xad", 8);
      elves_outcome_init_answer (outcome, answer);
    }
  g_assert_cmpint (ABS (outcome->started_us - g_get_real_time ()), <, 10 * G_USEC_PER_SEC);
  outcome->started_us = STARTED_US;
  outcome->ended_us = STARTED_US + 2 * G_USEC_PER_SEC;
  outcome->call_ms = 50;
  outcome->call_us = 50123;
}

static char *
quote (const char *text, const char *id)
{
  g_auto (GStrv) parts = g_strsplit (text, "$ID", -1);
  return g_strdelimit (g_strjoinv (id, parts), "'", '"');
}

static JsonNode *
read_json (const char *text, gssize length)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) error = NULL;
  json_parser_load_from_data (parser, text, length, &error);
  g_assert_no_error (error);
  return json_parser_steal_root (parser);
}

static void
assert_body (ElvesPublication *publication, const char *expected, const char *id)
{
  gsize length;
  const char *text = g_bytes_get_data (publication->body, &length);
  g_autofree char *quoted = quote (expected, id);
  g_autoptr (JsonNode) got = read_json (text, (gssize) length);
  g_autoptr (JsonNode) wanted = read_json (quoted, -1);
  if (json_node_equal (got, wanted))
    return;
  g_autofree char *got_text = json_to_string (got, FALSE);
  g_assert_cmpstr (got_text, ==, quoted);
}

static void
assert_address (ElvesPublication *publication, const char *expected)
{
  g_autofree char *text =
      g_strdup_printf ("%s/%s/%s/%s/%s", publication->exchange, publication->routing_key,
                       publication->cc ? publication->cc : "-", publication->content_type,
                       publication->content_encoding ? publication->content_encoding : "-");
  g_assert_cmpstr (text, ==, expected);
}

/* A refusal says when: looks at the two times, and cuts them out. */
static void
cut_times (ElvesPublication *publication)
{
  gsize length;
  const char *text = g_bytes_get_data (publication->body, &length);
  g_autoptr (GRegex) regex = g_regex_new (
      "\"(start|end)time\":\"20\\d\\d-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\",", 0, 0, NULL);
  char *rest = g_regex_replace_literal (regex, text, (gssize) length, 0, "", 0, NULL);
  g_assert_null (strstr (rest, "time\":\"20"));
  g_bytes_unref (publication->body);
  publication->body = g_bytes_new_take (rest, strlen (rest));
}

static ElvesPublication *
write_answer (Answer answer, const ElvesMessageRules *rules, ElvesJob *job, What what)
{
  g_auto (ElvesOutcome) outcome = { 0 };
  init_outcome (&outcome, what, job->instruct);
  if (answer == REPLY)
    return elves_job_message_reply (rules, job, &outcome);
  if (answer == ACCEPTANCE)
    return elves_job_message_acceptance (rules, job, &outcome);
  return elves_job_message_result (rules, job->instruct, job->rand_id, &outcome);
}

static ElvesPublication *
run (const ElvesMessageRules *rules, const Case *c, ElvesJob **out_job)
{
  const ElvesMessageProperties properties = { .reply_to = c->reply_to, .correlation_id = "corr" };
  g_autofree char *message = quote (c->message, "");
  ElvesPublication *refusal = NULL;
  g_autoptr (GError) error = NULL;
  ElvesMessageVerdict verdict = elves_job_message_parse (
      rules, &properties, message, strlen (message), out_job, &refusal, &error);
  if (c->answer == REFUSAL)
    {
      g_assert_cmpint (verdict, ==, ELVES_MESSAGE_REFUSED);
      if (refusal)
        cut_times (refusal);
      return refusal;
    }
  g_assert_no_error (error);
  return write_answer (c->answer, rules, *out_job, c->what);
}

static void
test_case (const void *data)
{
  const Case *c = data;
  g_autoptr (ElvesJob) job = NULL;
  g_autoptr (ElvesPublication) publication = run (&default_rules, c, &job);
  g_assert_true ((publication != NULL) == (c->body != NULL));
  if (!publication)
    return;
  assert_address (publication, c->address);
  assert_body (publication, c->body, job ? job->instruct->id : "");
  g_assert_cmpstr (publication->correlation_id, ==, c->answer == RESULT ? NULL : "corr");
}

/* The exact set of 6.4, whatever the tables above say. */
static void
test_flat_members (void)
{
  static const char *const names[] = { "flag",
                                       "error",
                                       "log_id",
                                       "agent_ip",
                                       "mode",
                                       "app",
                                       "func",
                                       "param",
                                       "timeout",
                                       "proxy",
                                       "starttime",
                                       "agent_sync_flag",
                                       "agent_sync_error",
                                       "agent_sync_costtime",
                                       "worker_message",
                                       "worker_costtime",
                                       "processor_sync_flag",
                                       "processor_sync_error",
                                       "processor_sync_costtime",
                                       "endtime",
                                       "result_flag" };
  Case c = { .answer = REPLY, .what = SUCCESS, .message = FLAT_SYNC };
  g_autoptr (ElvesJob) job = NULL;
  g_autoptr (ElvesPublication) publication = run (&default_rules, &c, &job);
  gsize length;
  const char *text = g_bytes_get_data (publication->body, &length);
  g_autoptr (JsonNode) root = read_json (text, (gssize) length);
  JsonObject *data = json_object_get_object_member (json_node_get_object (root), "data");
  g_assert_cmpuint (G_N_ELEMENTS (names), ==, 21);
  g_assert_cmpuint (json_object_get_size (data), ==, 21);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_true (json_object_has_member (data, names[i]));
}

static void
test_content_type (void)
{
  static const Case some[] = { { .answer = REPLY, .message = SYNC ("call"), .reply_to = "q" },
                               { .answer = REPLY, .message = FLAT_SYNC },
                               { .answer = RESULT, .message = ASYNC ("queue", "T") } };
  ElvesMessageRules rules = default_rules;
  rules.reply_content_type = "application/json";
  for (gsize i = 0; i < G_N_ELEMENTS (some); i++)
    {
      g_autoptr (ElvesJob) job = NULL;
      g_autoptr (ElvesPublication) publication = run (&rules, &some[i], &job);
      g_assert_cmpstr (publication->content_type, ==, "application/json");
    }
}

/* The worker message of a result cast, as a reader gets it. */
static char *
round_trip (GBytes *message)
{
  g_autoptr (ElvesInstruct) instruct = elves_instruct_new ();
  elves_instruct_set (&instruct->type, "queue");
  g_autoptr (ElvesReinstruct) answer = elves_reinstruct_new (instruct);
  answer->result = g_bytes_ref (message);
  g_auto (ElvesOutcome) outcome = { 0 };
  elves_outcome_init_answer (&outcome, answer);
  g_autoptr (ElvesPublication) publication =
      elves_job_message_result (&default_rules, instruct, NULL, &outcome);
  gsize length;
  const char *text = g_bytes_get_data (publication->body, &length);
  g_assert_true (g_utf8_validate_len (text, length, NULL));
  g_autoptr (JsonNode) root = read_json (text, (gssize) length);
  JsonObject *body = json_object_get_object_member (json_node_get_object (root), "mqbody");
  JsonObject *result = json_object_get_object_member (body, "result");
  return g_strdup (json_object_get_string_member (result, "worker_message"));
}

static void
test_worker_messages (void)
{
  static const struct
  {
    const char *bytes;
    gsize length;
    const char *expected;
  } vectors[] = { { "", 0, "" },
                  { "\0", 1, "\xef\xbf\xbd" },
                  { "a\0b", 3,
                    "a\xef\xbf\xbd"
                    "b" },
                  { "\xff\xc3\xa9\xc3", 4, "\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd" },
                  { "\"\\/\b\f\n\r\t\x01\x1f\x7f", 11, "\"\\/\b\f\n\r\t\x01\x1f\x7f" },
                  { "\xe4\xb8\xad\xf0\x9f\x98\x80", 7, "\xe4\xb8\xad\xf0\x9f\x98\x80" } };
  for (gsize i = 0; i < G_N_ELEMENTS (vectors); i++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new_static (vectors[i].bytes, vectors[i].length);
      g_autofree char *got = round_trip (bytes);
      g_assert_cmpstr (got, ==, vectors[i].expected);
    }
}

static void
test_large_result (void)
{
  const gsize length = 16 << 20;
  char *data = g_malloc (length + 1);
  for (gsize i = 0; i < length; i++)
    data[i] = "abcdefghijklmno\n"[i % 16];
  data[length] = '\0';
  g_autoptr (GBytes) bytes = g_bytes_new_take (data, length);
  g_autofree char *got = round_trip (bytes);
  g_assert_cmpuint (strlen (got), ==, length);
  g_assert_true (memcmp (got, data, length) == 0);
}

int
main (int argc, char **argv)
{
  g_setenv ("TZ", "UTC", TRUE);
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/job-message/answer/%s", cases[i].name);
      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/job-message/flat-members", test_flat_members);
  g_test_add_func ("/job-message/content-type", test_content_type);
  g_test_add_func ("/job-message/worker-messages", test_worker_messages);
  g_test_add_func ("/job-message/large-result", test_large_result);
  return g_test_run ();
}
