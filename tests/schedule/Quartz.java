/* Quartz itself as the oracle: one question a line, one answer a line, as schedule-next.c.
 *
 *   zone TAB after (unix seconds) TAB count TAB rule
 *   instants as unix seconds between blanks, "-" when there is none; or "! " and the error */

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.Date;
import java.util.TimeZone;

import org.quartz.CronExpression;

public class Quartz
{
  public static void main (String[] arguments) throws IOException
  {
    BufferedReader in = new BufferedReader (new InputStreamReader (System.in, "UTF-8"));
    String line;

    while ((line = in.readLine ()) != null)
      {
        String[] words = line.split ("\t", 4);

        System.out.println (answer (words));
        System.out.flush ();
      }
  }

  private static String answer (String[] words)
  {
    StringBuilder text = new StringBuilder ();

    try
      {
        CronExpression rule = new CronExpression (words[3]);
        Date at = new Date (Long.parseLong (words[1]) * 1000);

        rule.setTimeZone (TimeZone.getTimeZone (words[0]));
        for (int i = Integer.parseInt (words[2]); i > 0 && at != null; i--)
          {
            at = rule.getNextValidTimeAfter (at);
            text.append (at == null ? "-" : at.getTime () / 1000 + " ");
          }
        return text.toString ();
      }
    catch (Exception error)
      {
        return "! " + String.valueOf (error.getMessage ()).replace ('\n', ' ');
      }
  }
}
