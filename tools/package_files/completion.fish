# Completion of tidemill for fish: commands and options as `tidemill ... --help` lists them.

# "name<tab>what it does" of each command in help on standard input.
function __tidemill_commands
    sed -n '/^Subcommands:/,/^$/s/^  \([a-z_]\{1,\}\)  *\(.*\)/\1\t\2/p'
end

# The help of the commands that stand before the word.
function __tidemill_help
    set -l commands
    set -l known (tidemill --help 2>/dev/null | string collect)
    for word in (commandline -opc)[2..]
        echo $known | __tidemill_commands | string match -qr -- "^$word\t"; or continue
        set -a commands $word
        set known (tidemill $commands --help 2>/dev/null | string collect)
    end
    echo $known
end

function __tidemill_options
    __tidemill_help | sed -n 's/^  [-a-z,]*\(--[a-z-]\{1,\}\)[^ ]*\( [A-Z:]\{1,\}\)\{0,1\}  *\(.*\)/\1\t\3/p'
end

complete -c tidemill -f -n 'test (count (__tidemill_help | __tidemill_commands)) -gt 0' -a '(__tidemill_help | __tidemill_commands)'
complete -c tidemill -n 'string match -q -- "-*" (commandline -ct)' -a '(__tidemill_options)'
