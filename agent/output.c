/* Judges a run: the flag, the result, and why there is none.
 *
 * A worker prints <ElvesWFlag>true</ElvesWFlag> and <ElvesWResult>anything</ElvesWResult>, in any
 * order, with any noise around. The rules:
 *
 *  1. Tags are matched exactly. A flag element has at most 64 bytes of text without '<'. The text
 *     "true", in any case and with blanks around it, gives flag 1, any other flag 0.
 *  2. The result begins at the first opening tag. If a flag element is before it, that is the flag,
 *     and the result goes on to the last closing tag. If none is, the result goes on to the last
 *     closing tag that has a flag element behind it, and that is the flag. So the text of a result
 *     may hold tags, and cannot change the flag.
 *  3. But where the result element is followed by a flag element and another result element, with
 *     nothing but blanks between them, the worker printed twice: the first of each counts.
 *  4. Where output was cut, a result without a closing tag is as much of it as there is.
 *  5. Output without any tag may be that of an ordinary program: then it is the result.
 *
 * A worker that did not exit with 0 has flag -1 whatever it printed; its output is appended to the
 * text of the failure, bounded. A cut result ends with a line that says so. Any thread. */
#include "agent/output.h"

#include "common/error.h"
#include "common/utf8.h"

#include <string.h>

#define FLAG_OPEN "<ElvesWFlag>"
#define FLAG_CLOSE "</ElvesWFlag>"
#define RESULT_OPEN "<ElvesWResult>"
#define RESULT_CLOSE "</ElvesWResult>"
#define FLAG_LIMIT_BYTES 64
#define DIAGNOSIS_LIMIT_BYTES 4096

/* A part of the output. NULL: there is none. */
typedef struct
{
  const char *begin, *end;
} Part;

typedef struct
{
  Part flag, result; /* the texts inside the tags */
} Elements;

static const char *
find (const char *at, const char *end, const char *tag)
{
  return at < end ? memmem (at, end - at, tag, strlen (tag)) : NULL;
}

static gboolean
starts_with (const char *at, const char *end, const char *tag)
{
  gsize length = strlen (tag);
  return (gsize) (end - at) >= length && memcmp (at, tag, length) == 0;
}

static const char *
skip_blanks (const char *at, const char *end)
{
  while (at < end && g_ascii_isspace (*at))
    at++;
  return at;
}

/* Where the closing tag of the flag element that begins here is; NULL: none begins here. */
static const char *
flag_text_end (const char *at, const char *end)
{
  if (!starts_with (at, end, FLAG_OPEN))
    return NULL;
  const char *text = at + strlen (FLAG_OPEN);
  gsize room = MIN ((gsize) (end - text), FLAG_LIMIT_BYTES + 1);
  const char *close = memchr (text, '<', room);
  return close != NULL && starts_with (close, end, FLAG_CLOSE) ? close : NULL;
}

/* The text of the first flag element from @at on. */
static Part
find_flag (const char *at, const char *end)
{
  while ((at = find (at, end, FLAG_OPEN)) != NULL)
    {
      const char *close = flag_text_end (at, end);
      if (close != NULL)
        return (Part){ at + strlen (FLAG_OPEN), close };
      at += strlen (FLAG_OPEN);
    }
  return (Part){ NULL, NULL };
}

static const char *
find_last_close (const char *at, const char *end)
{
  const char *last = NULL;
  while ((at = find (at, end, RESULT_CLOSE)) != NULL)
    {
      last = at;
      at += strlen (RESULT_CLOSE);
    }
  return last;
}

/* Rule 3. */
static gboolean
is_followed_by_more (const char *close, const char *end)
{
  const char *flag = skip_blanks (close + strlen (RESULT_CLOSE), end);
  const char *flag_end = flag_text_end (flag, end);
  if (flag_end == NULL)
    return FALSE;
  const char *result = skip_blanks (flag_end + strlen (FLAG_CLOSE), end);
  return starts_with (result, end, RESULT_OPEN) && find (result, end, RESULT_CLOSE) != NULL;
}

static const char *
find_close_before_more (const char *at, const char *end, const char *last)
{
  /* The last one cannot be followed by a complete element: this also keeps the search linear. */
  for (; (at = find (at, end, RESULT_CLOSE)) != NULL && at != last; at += strlen (RESULT_CLOSE))
    if (is_followed_by_more (at, end))
      return at;
  return NULL;
}

/* Rule 2, no flag before the result. */
static void
split_result_first (const char *text, const char *end, Elements *elements)
{
  Part last_flag = { NULL, NULL };
  for (Part flag; (flag = find_flag (last_flag.end != NULL ? last_flag.end : text, end)).end;)
    last_flag = flag;
  const char *close = last_flag.begin == NULL ? NULL : find_last_close (text, last_flag.begin);
  const char *first_close = find_close_before_more (text, end, find_last_close (text, end));
  if (first_close != NULL)
    close = first_close;
  if (close == NULL)
    return;
  elements->flag = find_flag (close, end);
  elements->result = (Part){ text, close };
}

static Elements
split (const char *begin, const char *end, gboolean cut)
{
  Elements elements = { 0 };
  const char *open = find (begin, end, RESULT_OPEN);
  elements.flag = find_flag (begin, open != NULL ? open : end);
  if (open == NULL)
    return elements;
  const char *text = open + strlen (RESULT_OPEN);
  if (elements.flag.begin == NULL)
    {
      split_result_first (text, end, &elements);
      return elements;
    }
  const char *last = find_last_close (text, end);
  const char *close = find_close_before_more (text, end, last);
  if (close == NULL)
    close = last;
  if (close == NULL && cut)
    close = end;
  if (close != NULL)
    elements.result = (Part){ text, close };
  return elements;
}

static gboolean
is_true (Part text)
{
  g_autofree char *flag = g_strndup (text.begin, text.end - text.begin);
  return g_ascii_strcasecmp (g_strstrip (flag), "true") == 0;
}

static void
set_text (ElvesVerdict *verdict, gint32 flag, ElvesReason reason, char *text)
{
  verdict->flag = flag;
  verdict->reason = reason;
  verdict->result = g_bytes_new_take (text, strlen (text));
}

/* @prefix, then @part made clean; when it is not all of @total_bytes, a line says so. */
static void
set_part (ElvesVerdict *verdict,
          gint32 flag,
          ElvesReason reason,
          const char *prefix,
          Part part,
          gsize limit_bytes,
          guint64 total_bytes)
{
  gboolean over_limit = FALSE;
  gsize length = part.end - part.begin;
  g_autofree char *clean = elves_utf8_clean (part.begin, length, limit_bytes, &over_limit);
  verdict->cut = over_limit || length < total_bytes;
  g_autofree char *note = NULL;
  if (verdict->cut)
    note = g_strdup_printf ("\n[cut: %zu of %" G_GUINT64_FORMAT " bytes]", strlen (clean),
                            total_bytes);
  set_text (verdict, flag, reason, g_strconcat (prefix, clean, note, NULL));
}

static void
append_diagnosis (GString *text, const char *name, GBytes *bytes)
{
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);
  gsize kept = MIN (length, DIAGNOSIS_LIMIT_BYTES);
  /* The end of what was kept says most; it may begin within a character, which is then replaced. */
  if (length == 0)
    return;
  g_autofree char *clean =
      elves_utf8_clean (data + length - kept, kept, DIAGNOSIS_LIMIT_BYTES, NULL);
  g_string_append_printf (text, "\n[%s]%s\n%s", name, kept < length ? " ..." : "",
                          g_strchomp (clean));
}

/**
 * elves_output_fail:
 * @run: what was printed
 * @reason: of the failure
 * @what: has happened
 * @out_verdict: to be filled: flag -1, with the ends of both outputs
 */
void
elves_output_fail (const ElvesRunResult *run,
                   ElvesReason reason,
                   const char *what,
                   ElvesVerdict *out_verdict)
{
  GString *text = g_string_new ("app exec error : ");
  g_string_append (text, what);
  append_diagnosis (text, "stdout", run->output);
  append_diagnosis (text, "stderr", run->error_output);
  set_text (out_verdict, -1, reason, g_string_free (text, FALSE));
}

static void
judge_exit_status (const ElvesRunResult *run, ElvesVerdict *verdict)
{
  g_autofree char *what = g_strdup_printf ("exit status %d", run->status);
  elves_output_fail (run, ELVES_REASON_EXIT_STATUS, what, verdict);
}

/* Lower case: as the original's users know it. */
static void
judge_signal (const ElvesRunResult *run, ElvesVerdict *verdict)
{
  const char *description = sigdescr_np (run->status);
  g_autofree char *name = description != NULL ? g_ascii_strdown (description, -1)
                                              : g_strdup_printf ("signal %d", run->status);
  g_autofree char *what = g_strconcat ("signal: ", name, NULL);
  elves_output_fail (run, ELVES_REASON_SIGNAL, what, verdict);
}

static void
judge_not_started (const ElvesRunResult *run, ElvesVerdict *verdict)
{
  gboolean missing = g_error_matches (run->error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND);
  const char *what = run->error != NULL ? run->error->message : "not started";
  g_autofree char *clean = elves_utf8_clean (what, strlen (what), DIAGNOSIS_LIMIT_BYTES, NULL);
  elves_output_fail (run, missing ? ELVES_REASON_WORKER_MISSING : ELVES_REASON_SPAWN_FAILED, clean,
                     verdict);
}

static void
judge_output (const ElvesRunResult *run,
              gboolean unmarked_is_program,
              gsize limit_bytes,
              ElvesVerdict *verdict)
{
  gsize length;
  const char *begin = g_bytes_get_data (run->output, &length);
  if (begin == NULL)
    begin = "";
  Part whole = { begin, begin + length };
  gboolean cut = run->output_bytes > length;
  Elements found = split (whole.begin, whole.end, cut);
  ElvesReason bad = cut ? ELVES_REASON_TOO_LARGE : ELVES_REASON_BAD_OUTPUT;
  gboolean unmarked = find (whole.begin, whole.end, FLAG_OPEN) == NULL &&
                      find (whole.begin, whole.end, RESULT_OPEN) == NULL;

  if (unmarked && unmarked_is_program)
    set_part (verdict, 1, ELVES_REASON_NONE, "", whole, limit_bytes, run->output_bytes);
  else if (found.flag.begin == NULL)
    set_part (verdict, -1, bad, "app output flag error : ", whole, limit_bytes, run->output_bytes);
  else if (found.result.begin == NULL)
    set_part (verdict, -1, bad, "app output result error : ", whole, limit_bytes,
              run->output_bytes);
  else
    set_part (verdict, is_true (found.flag) ? 1 : 0, ELVES_REASON_NONE, "", found.result,
              limit_bytes,
              cut ? run->output_bytes : (guint64) (found.result.end - found.result.begin));
}

/**
 * elves_output_judge:
 * @run: how a worker ended, and what it printed
 * @unmarked_is_program: output without any marker is a result; else it is an error
 * @limit_bytes: of the result; a line that says that it was cut comes on top
 * @out_verdict: to be filled; clear with elves_verdict_clear()
 *
 * Says what goes back to the caller of the function. Any thread.
 */
void
elves_output_judge (const ElvesRunResult *run,
                    gboolean unmarked_is_program,
                    gsize limit_bytes,
                    ElvesVerdict *out_verdict)
{
  *out_verdict = (ElvesVerdict){ 0 };
  switch (run->end)
    {
    case ELVES_RUN_EXITED:
      if (run->status == 0)
        judge_output (run, unmarked_is_program, limit_bytes, out_verdict);
      else
        judge_exit_status (run, out_verdict);
      break;
    case ELVES_RUN_SIGNALLED:
      judge_signal (run, out_verdict);
      break;
    case ELVES_RUN_TIMED_OUT:
      set_text (out_verdict, -1, ELVES_REASON_TIMEOUT, g_strdup ("app exec timeout"));
      break;
    case ELVES_RUN_CANCELLED:
      set_text (out_verdict, -1, ELVES_REASON_CANCELLED, g_strdup ("app exec cancelled"));
      break;
    case ELVES_RUN_NOT_STARTED:
      judge_not_started (run, out_verdict);
      break;
    }
}

/**
 * elves_output_judge_answer:
 * @flag: as the worker says it
 * @result: of any content
 * @limit_bytes: of it; a line that says that it was cut comes on top
 * @out_verdict: to be filled
 *
 * For a worker whose answer is not to be looked for in its output.
 */
void
elves_output_judge_answer (gboolean flag,
                           GBytes *result,
                           gsize limit_bytes,
                           ElvesVerdict *out_verdict)
{
  gsize length;
  const char *begin = g_bytes_get_data (result, &length);
  Part whole = { begin != NULL ? begin : "", (begin != NULL ? begin : "") + length };
  *out_verdict = (ElvesVerdict){ 0 };
  set_part (out_verdict, flag ? 1 : 0, ELVES_REASON_NONE, "", whole, limit_bytes, length);
}

void
elves_verdict_clear (ElvesVerdict *self)
{
  g_clear_pointer (&self->result, g_bytes_unref);
}
