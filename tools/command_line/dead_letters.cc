// The arguments of `tidemill dead_letters`.
#include <CLI/CLI.hpp>
#include <memory>

#include "tools/command_line/add_commands.h"
#include "tools/command_line/shared_options.h"
#include "tools/commands.h"

namespace tidemill::tools {

void addDeadLetters(CLI::App& app, int& code) {
    const auto letters = std::make_shared<DeadLetterOptions>();
    auto* deadLetters =
        app.add_subcommand("dead_letters", "the records that a job has gone on without");
    deadLetters->require_subcommand(1);
    deadLetters->footer(
        "Exit codes: 1 no data directory; 5 damaged; of resend those of send, 8 also when some "
        "records "
        "cannot be sent as lines.\n"
        "Example: tidemill dead_letters list --data-dir wordcount_acknowledged.data");
    const auto ofLetters = [&](CLI::App* command) {
        command
            ->add_option("--data-dir", letters->dataDirectory, "required: the job's data directory")
            ->required()
            ->option_text("DIR");
        command->add_option("--batch", letters->batch, "only those of this batch")
            ->check(CLI::NonNegativeNumber)
            ->option_text("BATCH");
    };
    auto* lettersList =
        deadLetters->add_subcommand("list", "how many of each batch, and the first");
    ofLetters(lettersList);
    addJson(*lettersList, letters->json);
    lettersList->footer(
        "Example: tidemill dead_letters list --data-dir wordcount_acknowledged.data");
    lettersList->callback([&code, letters] { code = listDeadLetters(*letters); });
    auto* lettersShow =
        deadLetters->add_subcommand("show", "the records, and what is wrong with them");
    ofLetters(lettersShow);
    addJson(*lettersShow, letters->json);
    lettersShow->add_option("--limit", letters->limit, "at most so many (default: 100); 0: all")
        ->default_val(100)
        ->check(CLI::NonNegativeNumber)
        ->option_text("N");
    lettersShow->footer(
        "Example: tidemill dead_letters show --batch 7 --data-dir wordcount_acknowledged.data");
    lettersShow->callback([&code, letters] { code = showDeadLetters(*letters); });
    const auto resend = std::make_shared<SendCommandOptions>();
    auto* lettersResend = deadLetters->add_subcommand(
        "resend", "send the records again to a listen_acknowledged source");
    ofLetters(lettersResend);
    lettersResend
        ->add_option("--session", resend->session,
                     "required: a session's name; the same again sends no record twice")
        ->required()
        ->option_text("NAME");
    lettersResend
        ->add_option("SERVER", resend->server,
                     "HOST:PORT, [IPV6]:PORT, PORT on this machine, or unix:PATH")
        ->required()
        ->option_text(" ");
    lettersResend->footer(
        "Example: tidemill dead_letters resend 9998 --session mended --batch 7 --data-dir "
        "wordcount_acknowledged.data");
    lettersResend->callback(
        [&code, letters, resend] { code = resendDeadLetters(*letters, *resend); });
}

}  // namespace tidemill::tools
