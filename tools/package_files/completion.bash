# Completion of tidemill for bash: commands and options as `tidemill ... --help` lists them.
_tidemill() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local -a words=() candidates=()
    local i
    COMPREPLY=()
    case $previous in
        --data-dir)
            mapfile -t COMPREPLY < <(compgen -d -- "$word")
            return ;;
    esac
    # The commands that stand before the word.
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == [a-z]* && ${COMP_WORDS[i - 1]} != --* ]] || continue
        tidemill "${words[@]}" --help 2>/dev/null |
            sed -n '/^Subcommands:/,/^$/s/^  \([a-z_]\{1,\}\) .*/\1/p' |
            grep -qxF -- "${COMP_WORDS[i]}" || break
        words+=("${COMP_WORDS[i]}")
    done
    local help
    help=$(tidemill "${words[@]}" --help 2>/dev/null)
    if [[ $word == -* ]]; then
        mapfile -t candidates < <(grep -o -- '--[a-z][a-z-]*' <<<"$(sed -n 's/^  \(-[^ ]*\).*/\1/p' <<<"$help")")
    else
        mapfile -t candidates < <(sed -n '/^Subcommands:/,/^$/s/^  \([a-z_]\{1,\}\) .*/\1/p' <<<"$help")
    fi
    mapfile -t COMPREPLY < <(compgen -W "${candidates[*]}" -- "$word")
    # Job files and what is sent are files.
    [[ ${#candidates[@]} -gt 0 || $word == -* ]] || mapfile -t COMPREPLY < <(compgen -f -- "$word")
}
complete -o filenames -F _tidemill tidemill
