// What `tidemill --help` and the commands' `--help` say around their options. The examples are run
// as they stand by tests/tools/help_test.cc; docs/command_line.md says the same at length.
#pragma once

namespace tidemill::tools {

inline constexpr const char* kDescription =
    R"(Counts streams of records in small batches and remembers the totals, exactly, across crashes.

In a clone of the repository these work as they stand, the first two in a terminal each:
  tidemill run examples/wordcount_acknowledged.toml      run a job; Ctrl-C stops it gracefully
  tidemill send --session me localhost:9998 README.md    ends when every line is durable
  tidemill run --check examples/wordcount.toml           say what a job file means, run nothing

State can be read from the first checkpoint on, which comes after 10 s or with a graceful stop:
  tidemill state list --data-dir wordcount_acknowledged.data
  tidemill state export totals --data-dir wordcount_acknowledged.data --json
  tidemill wal verify --data-dir wordcount_acknowledged.data

Looking (state, wal, checkpoint) works while the job runs and never disturbs it.)";

inline constexpr const char* kExitCodes =
    R"(Exit codes:
  0    done; run: stopped gracefully
  1    failed: the disk, the network, a record that a step cannot take; or what was asked for,
       such as the data directory to look into, does not exist
  2    wrong command line
  3    missing or wrong job file
  4    refused. run: the data directory is in use, of another job, version or user, or no data
       directory; results of another one are in the way; what the log holds is of a job with
       other steps. send: the server refused the session, or speaks another protocol
  5    damaged data; wal verify, checkpoint verify: found some
  6    run: stored state was damaged, and a new start mends it: it takes a sound checkpoint
  7    run: asked to stop while the peer of an output was away; what was received and is not
       processed waits in the log for the next start, nothing is lost
  8    send: all is durable, but not as it stands in the input: lines were too long and do not
       count, or a line sent without a line end has grown since. dead_letters resend: some records
       cannot be sent as lines
  9    send: another sender of the same name has taken the session over
  130  run: a second signal ended it at once)";

inline constexpr const char* kRunFooter =
    R"(Ctrl-C or SIGTERM stops gracefully: what was received is processed and checkpointed first. The
same a second later, or the other of the two, ends the process at once, with exit code 130; what
is in the log is processed by the next start.

A record that a step cannot take ends the job, and the message says how to go on: mend the job
file, or start once with --skip-record, --quarantine or --skip-batch. What these leave out is kept
as dead letters in dead_letters/BATCH.jsonl of the data directory.

Exit codes: 0 stopped gracefully; 1 failed; 2 wrong command line; 3 missing or wrong job file;
4 refused (the data directory is in use, of another job, version or user, or none); 5 damaged
data; 6 damaged state that a new start mends; 7 stopped while the peer of an output was away:
nothing is lost; 130 ended at once. tidemill --help says more.

Examples, in a clone of the repository:
  tidemill run examples/wordcount.toml                  in the foreground; Ctrl-C stops it
  tidemill run --check examples/wordcount.toml          what the file means, or what is wrong
  tidemill run --check --connect examples/wordcount_acknowledged.toml    asks its peers too
  tidemill run examples/wordcount.toml --data-dir words.data --workers 2)";

inline constexpr const char* kTestFooter =
    R"(A case is a directory: batch-1/SOURCE.txt holds the lines that the first batch takes from a source
(its name, or source-1), batch-2/… those of the second; `batches` a number, when more are to run;
expected/ what outputs (output-1.jsonl and so on) and state (state-TABLE.jsonl) hold then. Nothing
outside is touched, the clock begins at 2026-01-01T00:00:00Z, lines may come in any order.

Exit codes: 0 all is as expected; 1 it differs, or there is no case; 3 missing or wrong job file.

Examples:
  tidemill test examples/access_log.toml examples/cases/access_log
  tidemill test examples/access_log.toml examples/cases/access_log --json)";

inline constexpr const char* kPlanFooter =
    R"(Each state of the job is kept, new, incompatible (the directory holds something else under its
name) or unclear; those that only the directory has are orphaned: they are kept, and found again by
a job that has them. Then the start is tried on a copy, without outputs and sources, and the batches
behind the newest checkpoint are run again there. The job may run meanwhile.

Exit codes: 0 it would start; 1 no data directory; 3 wrong job file; 4 it would be refused;
5 damaged.

Example: tidemill plan examples/wordcount_acknowledged.toml --data-dir wordcount_acknowledged.data)";

inline constexpr const char* kSendFooter =
    R"(A sender that was killed is started again with the same name and the same file: lines that are
durable are not sent again. Two senders at a time need two names.

Exit codes: 0 every line is durable; 1 failed; 2 wrong command line; 4 the server refused the
session, or speaks another protocol; 8 all is durable, but not as it stands in the input: lines
were too long and do not count, or a line sent without a line end has grown since; 9 another
sender of the same name has taken the session over.

Examples, beside tidemill run examples/wordcount_acknowledged.toml:
  tidemill send --session shop-7 localhost:9998 README.md    again after a crash: goes on
  tidemill send --session shop-8 9998 < README.md
  ls -l | tidemill send --live --session host-3 localhost:9998)";

inline constexpr const char* kFsckFooter =
    R"(With --repair TO a copy is made that a job starts on: the newest checkpoint that is sound in every
byte, and the log behind it up to the first damage. What was durable and is not in it is said by its
LSNs. The damaged directory stays as it is.

Exit codes: 0 all is sound, or the copy holds all that was acknowledged; 1 no data directory; 4 of a
newer version, in use, or TO exists; 5 damaged, or something acknowledged is lost.

Example: tidemill fsck --data-dir wordcount_acknowledged.data)";

inline constexpr const char* kVerifyFooter =
    R"(Works on a copy, while the job runs or not, and disturbs nothing. The job's functions run again
over what the log holds, from an older checkpoint on; the state that comes out is compared with
the stored one, key by key. Outputs and sources are not opened.

Exit codes: 0 it is the same; 1 there are no two checkpoints to compare; 3 missing or wrong job
file; 4 the directory is of another job; 5 it is not the same, or damaged.

Example: tidemill verify examples/wordcount_acknowledged.toml)";

inline constexpr const char* kReplayFooter =
    R"(Works on a copy, while the job runs or not, and disturbs nothing. The job runs again from the newest
checkpoint before the batch; what its sources and each of its steps gave in the batch is shown, the
first elements and how many there were. Outputs and sources are not opened. Files that a files
source read must still be there.

With --job CHANGED.toml the state before the batch is the same, the batch runs once with each job,
and what only one of them gives is shown: - as it was, + as it would be. Steps are matched by their
names. The sources must be the same.

How far back that goes is said: a data directory keeps two checkpoints and the log behind the older
one. For older batches use a backup.

Exit codes: 0 shown; 1 the batch is out of reach, or there is no data directory; 3 missing or wrong
job file; 4 the directory is of another job, or the changed job does not fit its state; 5 damaged.

Example: tidemill replay examples/wordcount_acknowledged.toml --batch 1)";

inline constexpr const char* kWhyFooter =
    R"(Works on a copy, while the job runs or not, and disturbs nothing. The job runs again from the oldest
checkpoint on, as far back as the log reaches, which is said; each batch after which the key's row
is another one is shown. Then that batch runs again and again with parts of its records: those are
shown with which alone it writes the row, whatever value that gives. This takes a scan of the log
and, for each record that is found, some twenty runs of its batch.

What it cannot say: what was before the oldest checkpoint; which record of a file it was (files are
read again whole); which records were behind a change that time made, as in windows. Records that
write the row only together, as those of a join may, are named by the first and the last of them.

Exit codes: 0 said; 1 no such table, nothing in reach, or no data directory; 3 missing or wrong job
file; 4 the directory is of another job; 5 damaged.

Example: tidemill why examples/wordcount_acknowledged.toml totals the)";

inline constexpr const char* kKillTestFooter =
    R"(The job runs three times on the same lines: twice undisturbed, with the records in other batches,
and once killed (SIGKILL) at random moments, while it takes lines, while it runs batches and while
it starts again. Then state tables are compared row by row, and the lines of outputs. What is not
the same in the two undisturbed runs depends on batches or on the time: that is not checked, and
said.

Nothing outside is touched: all is in a scratch directory, outputs write files there, and sources
take the lines of a sender as listen_acknowledged does, whatever they are in the job file.

A program must have a listen_acknowledged source on --port, stop gracefully on SIGTERM (in C++:
stopOnSignals()), and have its data directory in its working directory.

Exit codes: 0 the same; 1 it differs, nothing could be compared, or it could not be run; 3 missing
or wrong job file.

Examples:
  tidemill kill-test examples/wordcount_acknowledged.toml --rounds 3 --seed 7
  tidemill kill-test examples/wordcount_acknowledged.toml --rounds 3 --feed README.md)";

inline constexpr const char* kBackupFooter =
    R"(The copy holds all checkpoints and the log as it was at one moment, and is read back, every byte,
before it appears under its name. A job can be started on it, or on what restore makes of it: it
goes on from that moment. Table files are linked where the disk is the same one, and take no room.

Exit codes: 0 the copy is whole; 1 failed, or there is no data directory; 4 there is something
already under that name, or the job was faster five times; 5 the data directory is damaged.

Example: tidemill backup sunday.backup --data-dir wordcount_acknowledged.data)";

inline constexpr const char* kSavepointFooter =
    R"(A savepoint is a checkpoint that nothing removes but `savepoint remove`. One is made at the next
boundary of the job that runs, or of the newest checkpoint when no job runs. It is the whole state
there, and needs no log: that is trimmed as ever. It takes no room of its own while checkpoints
share its files, and at most the state's size later; `list` says how much. 100 are kept at most.

The state commands read it with --as-of NAME. tidemill fork DIR NEW --from NAME makes a copy that
begins with it, and tidemill run JOB.toml --from DIR/savepoints/NAME --data-dir NEW goes on there.

Exit codes: 0 done; 1 failed, or no data directory, checkpoint or savepoint; 4 there is one of that
name already, 100 of them, a daemon that does not answer, or another process has the directory;
5 damaged.

Example: tidemill savepoint make friday --data-dir wordcount_acknowledged.data)";

inline constexpr const char* kForkFooter =
    R"(The fork is a copy as backup makes one: all checkpoints and the log as they were at one moment, read
back, table files linked where the disk is the same one. A job goes on from there, and what it does
changes nothing of the original.

Outputs are off on it, for good: tidemill run says so when it starts, batches change the state, and
no output is opened. Dead letters go to dead_letters in the fork. With --with-outputs they are on.
Files and tables of databases that the original wrote are then refused, since the fork has another
identity; topics of Kafka are not. So give the job other places first.

Sources are as in any job. Two jobs cannot listen on one port, and what senders give to the fork the
original does not get: give it other ports, or tidemill pause it. Nothing is committed to a Kafka
group while outputs are off.

Exit codes: as of backup.

Examples:
  tidemill fork wordcount_acknowledged.data trial.data
  tidemill state export totals --data-dir trial.data)";

inline constexpr const char* kPauseFooter =
    R"(A paused source takes nothing: clients are pushed back, topics and files wait. Nothing is lost,
and it stays so when the job is started again, until tidemill resume. It returns when that is
durable.

Exit codes: 0 done; 1 no job runs there, or it has no such source; 4 it does not answer.

Examples:
  tidemill pause --data-dir wordcount_acknowledged.data
  tidemill pause 1 --data-dir wordcount_acknowledged.data)";

inline constexpr const char* kSetFooter =
    R"(The rate holds on average, and also when the job is started again; what comes faster waits at its
sender. It stands in place of the source's max_rate in the job file until rate=default. Files have
a rate in bytes.

Exit codes: 0 done; 1 no job runs there, or it has no such source; 2 no rate; 4 it does not answer.

Examples:
  tidemill set 1 rate="5000 records/s" --data-dir wordcount_acknowledged.data
  tidemill set 1 rate=10MiB/s --data-dir wordcount_acknowledged.data
  tidemill set 1 rate=default --data-dir wordcount_acknowledged.data)";

inline constexpr const char* kStatusFooter =
    R"(The first line says how it is: "keeps up", or what is wrong, the worst first. It falls behind when
batches begin later and later: they take longer than one comes. Asking never waits for a batch, a
checkpoint, a start or a stop, and costs the job next to nothing.

Exit codes: 0 it has answered; 1 no job runs there; 4 it does not answer.

Examples:
  tidemill status --data-dir wordcount_acknowledged.data
  tidemill status --watch --data-dir wordcount_acknowledged.data
  tidemill status --json --data-dir wordcount_acknowledged.data | jq .health)";

}  // namespace tidemill::tools
