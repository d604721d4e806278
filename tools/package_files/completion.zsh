#compdef tidemill
# Completion of tidemill for zsh: commands and options as `tidemill ... --help` lists them.

_tidemill() {
    local help word
    local -a before commands options
    help=$(tidemill --help 2>/dev/null)
    # The commands that stand before the word.
    for word in "${(@)words[2,CURRENT-1]}"; do
        [[ $word == [a-z]* ]] || continue
        sed -n '/^Subcommands:/,/^$/s/^  \([a-z_]\{1,\}\) .*/\1/p' <<<"$help" | grep -qxF -- "$word" || continue
        before+=("$word")
        help=$(tidemill "${before[@]}" --help 2>/dev/null)
    done
    if [[ ${words[CURRENT-1]} == --data-dir ]]; then
        _directories
    elif [[ ${words[CURRENT]} == -* ]]; then
        options=("${(@f)$(sed -n 's/^  [-a-z,]*\(--[a-z-]\{1,\}\)[^ ]*\( [A-Z:]\{1,\}\)\{0,1\}  *\(.*\)/\1:\3/p' <<<"$help")}")
        _describe 'option' options
    else
        commands=("${(@f)$(sed -n '/^Subcommands:/,/^$/s/^  \([a-z_]\{1,\}\)  *\(.*\)/\1:\2/p' <<<"$help")}")
        if [[ -n ${commands[1]} ]]; then
            _describe 'command' commands
        else
            _files
        fi
    fi
}

_tidemill "$@"
