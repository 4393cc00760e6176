/*
 * Elves over Thrift: unframed TBinaryProtocol on a plain TCP socket; strict writes, non-strict reads accepted.
 *
 * Fields 1-9 of Instruct and 1, 3, 4, 5 of Reinstruct are the seed's; every later field is optional and
 * skipped by a peer that does not know it (the original agent and the original center among them).
 * A missing string reads as "", a missing number as 0. Strings are UTF-8.
 */

namespace c_glib ElvesRpc

struct Instruct {
  1: string id        // the task's id
  2: string ip        // the agent's ip
  3: string type      // cron | queue | rt
  4: string mode      // P: the app's processor gets the result too; NP: not
  5: string app
  6: string func
  7: string param     // JSON text or ""
  8: i32    timeout   // seconds, 0 = no limit
  9: string proxy     // worker entry, "" = the app's default

  10: optional string execution  // identity of this one execution
  11: optional string origin     // host:port of the scheduler that should get the result
  12: optional i32    seenWithin // seconds: this message was delivered before and has no key of its own: an execution
                                 // of this type and id accepted within that time is this one; its key is echoed
  13: optional bool   queryOnly  // never start it: only tell the state

  14: optional i32    call       // in instructionInvokeList: the number by which its answers are told; never 0
  15: optional bool   wait       // in instructionInvokeList: its answer is the result, as that of instructionInvokeSync;
                                 // else it is the acknowledgement, as that of instructionInvokeAsync

  16: optional bool   held       // the broker keeps the message that asked until the outcome: whoever has it will ask, and only
                                 // that scheduler takes the result
}

struct Reinstruct {
  1: optional Instruct ins      // always sent, but by instructionAnswers: there only with what the caller does not know
  // field 2 does not exist
  3: i32      flag      // 1 success, 0 the worker said no, -1 it could not be run or known
  4: i32      costtime  // milliseconds
  5: string   result

  6:  optional i32    state        // 0 accepted now, 1 accepted before and not finished, 2 finished, its result comes again (to the caller's
                                // origin), 3 its result was taken, 4 never seen (only for queryOnly)
  7:  optional string reason       // machine-readable cause when flag is -1
  8:  optional i32    exitStatus   // of the worker; 128 + signal when it was killed by one
  9:  optional i32    killed       // processes of the job that were still alive at its end and were killed
  10: optional i64    outputBytes  // bytes the worker wrote to stdout, also those that were cut
  11: optional bool   truncated    // the result is not all of the output
  12: optional i32    survivors    // processes of the job that are alive still: left by configuration, or not even KILL ended them

  13: optional i32    call         // in instructionAnswers: which call this is the answer to
}

struct AgentInfo {
  1: string id        // the agent's asset number
  2: string ip
  3: string version
  4: string apps      // JSON text {"app":"version",...}
}

// What a running job has printed. Only of its standard output, and of that only what the agent keeps.
struct OutputChunk {
  1: binary data    // from offset on; empty: nothing more is there yet, or it was not kept
  2: i64    offset  // as asked
  3: bool   ended   // the job has ended: total will not grow
  4: i64    total   // bytes that were printed until now, also those that are not kept
}

service SchedulerService {
  string       aliveCheck()
  string       dataTransport(1: Reinstruct reins)   // "success" when the result was taken; "not held": this scheduler knows
                                                   // nothing of a job whose message is held; else: report it again

  // Only of peers that say "lists" in the features of their znode.
  list<string> dataTransportList(1: list<Reinstruct> reinsList)  // for each in its order what dataTransport would answer
  // From the agent to the scheduler, on the connection on which instructionInvokeList came: answers to its items, in any
  // order, as each is there.
  oneway void  instructionAnswers(1: list<Reinstruct> answers)
}

service AgentService {
  string           aliveCheck()
  list<Reinstruct> instructionInvokeAsync(1: list<Instruct> insList)  // acknowledgements; results come by dataTransport
  Reinstruct       instructionInvokeSync(1: Instruct ins)

  // Only of peers that say "lists" in the features of their znode. All that waits for an agent, on one connection; every
  // item has a number (call), and gets one answer by instructionAnswers on this connection. When the connection ends, the
  // answers that have not come are lost.
  oneway void      instructionInvokeList(1: list<Instruct> insList)

  // Only of agents that say "cancel" in the features of their znode. Of ins count execution; or, without one, id and type
  // ("": any). Every job that they name is ended as at its timeout, reason "cancelled"; its result comes as any.
  // flag 1, result: "cancelled": none of it was started, or will be; "cancelling": it is being stopped; "finished": it
  // has ended, as it was; "not-found".
  Reinstruct       cancel(1: Instruct ins)
  // Only of agents that say "output". ins as above, the first job that it names. limit: bytes, at most 65536; 0: that.
  // A job that is not known (any more): ended, no data, total 0.
  OutputChunk      readOutput(1: Instruct ins, 2: i64 offset, 3: i32 limit)
}

service AppService {
  string runProcessor(1: Reinstruct reins)   // the app's processor, for jobs of mode P
}

service HeartbeatService {
  string heartbeatPackage(1: AgentInfo info)   // {"data":{"app":"version",...}}: what the agent may run
}
