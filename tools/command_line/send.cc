// The arguments of `tidemill send`.
#include <CLI/CLI.hpp>
#include <memory>

#include "tools/command_line/add_commands.h"
#include "tools/commands.h"
#include "tools/help_text.h"

namespace tidemill::tools {

void addSend(CLI::App& app, int& code) {
    const auto send = std::make_shared<SendCommandOptions>();
    auto* sendCommand =
        app.add_subcommand("send", "send lines to a listen_acknowledged source, exactly once");
    sendCommand
        ->add_option("--session", send->session,
                     "required: this sender's own name; the same again when the sender\n"
                     "is started again")
        ->required()
        ->option_text("NAME");
    sendCommand
        ->add_option("SERVER", send->server,
                     "HOST:PORT, [IPV6]:PORT, PORT on this machine, or unix:PATH")
        ->required()
        ->option_text(" ");
    sendCommand->add_option("FILE", send->file, "what to send (default, or \"-\": standard input)")
        ->option_text(" ");
    sendCommand->add_flag("--live", send->live,
                          "the input's first line comes behind what the session has: for\n"
                          "pipes that cannot begin again");
    sendCommand->add_option("--rate", send->bytesPerSecond, "send at most so many bytes a second")
        ->check(CLI::NonNegativeNumber)
        ->option_text("BYTES");
    auto* tls = sendCommand->add_flag("--tls", send->tls, "speak TLS with the server");
    sendCommand
        ->add_option("--ca", send->caFile,
                     "trust servers for which a certificate in this file (PEM) vouches\n"
                     "(default: those that the system trusts)")
        ->needs(tls)
        ->option_text("FILE");
    sendCommand
        ->add_option("--token-file", send->tokenFile,
                     "a file with the token that the server asks for")
        ->option_text("FILE");
    sendCommand->footer(kSendFooter);
    sendCommand->callback([&code, send] { code = sendLines(*send); });
}

}  // namespace tidemill::tools
