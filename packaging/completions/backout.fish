# fish completion for backout. Made by `backout completion fish`. Do not edit.

# The words of a site: asked with the -f, -C, -e and --state that are on the line already.
function __backout_ask
    set -l words (commandline -opc)
    set -l where
    for at in (seq 2 (count $words))
        if contains -- $words[$at] -f -C -e --state; and test $at -lt (count $words)
            set -a where $words[$at] $words[(math $at + 1)]
        end
    end
    $words[1] $where internal complete $argv[1] 2>/dev/null
end

complete -c backout -f
complete -c backout -s h -l help -d 'Print this help message and exit'
complete -c backout -l version -d 'Display program version information and exit'
complete -c backout -s f -d 'configuration file (default: backout.yaml)' -r -F
complete -c backout -s C -d 'look for it there' -x -a '(__fish_complete_directories)'
complete -c backout -s e -d 'environment: backout.<ENV>.yaml lies over it' -x -a '(__backout_ask environments)'
complete -c backout -l state -d 'where the journal lives' -x -a '(__fish_complete_directories)'
complete -c backout -s o -d 'text or json' -x -a 'text json'
complete -c backout -l no-color -d 'no colours (as NO_COLOR)'
complete -c backout -s q -d 'say less'
complete -c backout -s v -d 'say more: the output of every command'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a init -d 'look at a project and its host, and write backout.yaml'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a import -d 'read a rollback runbook in Markdown, and draft backout.yaml from it'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a deploy -d 'checkpoint, run your deploy command, record the release, check it'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a checkpoint -d 'save what is needed to come back to what runs now'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a record -d 'tell the journal which release runs now'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a good -d 'mark a release known-good'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a bad -d 'mark a release bad'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a releases -d 'what was deployed here, and what may be gone back to'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a sites -d 'every site of this journal: what runs, what is good, the last rollback'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a resolve -d 'why a release failed: then it may be deployed again'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a status -d 'what is going on'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a log -d 'what happened'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a verify -d 'look now whether the release serves'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a tick -d 'timer work: the next look of a watch, or verify; mark known-good what has baked'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a watch -d 'follow the release: look again and again until the watch is over'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a decide -d 'what to do about the release that serves, and why'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a report-problem -d 'a person says that something is wrong'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a note -d 'a person\'s word for the record'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a ready -d 'can we go back now: to what, how long, what would be lost'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a plan -d 'what a rollback would do; changes nothing'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a rollback -d 'take the site back to known good'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a resume -d 'carry on an interrupted run'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a abort -d 'put everything back, until the door is open'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a retry -d 'try failed steps again'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a report -d 'the incident record'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a lint -d 'check backout.yaml'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a backups -d 'backups of the database: which there are, and which are whole'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a rescue -d 'rows that users wrote since a checkpoint, by themselves'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a audit -d 'check the journal'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a journal -d 'the record itself'
complete -c backout -n 'not __fish_seen_subcommand_from init import deploy checkpoint record good bad releases sites resolve status log verify tick watch decide report-problem note ready plan rollback resume abort retry report lint backups rescue audit journal completion' -a completion -d 'print a completion script: bash, zsh or fish'
complete -c backout -n '__fish_seen_subcommand_from init' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from init' -l answer -d 'KEY=VALUE, for what cannot be seen; may be said several times' -x -a '(__backout_ask answers)'
complete -c backout -n '__fish_seen_subcommand_from init' -l answers -d 'a file of KEY: VALUE lines' -r -F
complete -c backout -n '__fish_seen_subcommand_from init' -l yes -d 'take every default'
complete -c backout -n '__fish_seen_subcommand_from init' -l force -d 'replace an existing file, and keep a copy beside it'
complete -c backout -n '__fish_seen_subcommand_from init' -l print -d 'print the file instead of writing it'
complete -c backout -n '__fish_seen_subcommand_from import' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from import' -l fill -d 'NAME=VALUE for a placeholder; may be said several times' -x
complete -c backout -n '__fish_seen_subcommand_from import' -l way -d 'of several ways to one end, the one whose title contains this; may be said several times' -x
complete -c backout -n '__fish_seen_subcommand_from import' -l site -d 'the site\'s name (default: from the title)' -x
complete -c backout -n '__fish_seen_subcommand_from import' -l print -d 'print the draft instead of writing it'
complete -c backout -n '__fish_seen_subcommand_from deploy' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from deploy' -l version -d 'the name of the release' -x -a '(__backout_ask versions)'
complete -c backout -n '__fish_seen_subcommand_from deploy' -l commit -d 'its git commit, where no tag of that name tells' -x
complete -c backout -n '__fish_seen_subcommand_from deploy' -l timeout -d 'how long the command may take (default 1h)' -x
complete -c backout -n '__fish_seen_subcommand_from checkpoint' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from record' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from record' -l commit -d 'its git commit' -x
complete -c backout -n '__fish_seen_subcommand_from record' -x -a '(__backout_ask versions)'
complete -c backout -n '__fish_seen_subcommand_from good' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from good' -l reason -d 'why' -x
complete -c backout -n '__fish_seen_subcommand_from good' -x -a '(__backout_ask versions)'
complete -c backout -n '__fish_seen_subcommand_from bad' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from bad' -l reason -d 'why' -x
complete -c backout -n '__fish_seen_subcommand_from bad' -x -a '(__backout_ask versions)'
complete -c backout -n '__fish_seen_subcommand_from releases' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from sites' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from resolve' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from resolve' -l cause -d 'what failed, and why' -x
complete -c backout -n '__fish_seen_subcommand_from resolve' -l fix -d 'what was done about it' -x
complete -c backout -n '__fish_seen_subcommand_from resolve' -l missed -d 'why testing did not catch it' -x
complete -c backout -n '__fish_seen_subcommand_from resolve' -l prevent -d 'what will catch it next time' -x
complete -c backout -n '__fish_seen_subcommand_from status' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from log' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from log' -l broke -d 'what broke: every rollback of every site, its first bad sign and its cause'
complete -c backout -n '__fish_seen_subcommand_from log' -l step -d 'one step, with its output' -x
complete -c backout -n '__fish_seen_subcommand_from log' -x -a '(__backout_ask runs)'
complete -c backout -n '__fish_seen_subcommand_from verify' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from verify' -l ask -d 'ask the manual checks too, and record who answered'
complete -c backout -n '__fish_seen_subcommand_from verify' -l answer -d 'answer what a run asks: yes or no' -x
complete -c backout -n '__fish_seen_subcommand_from verify' -l as -d 'who answers (default: you)' -x
complete -c backout -n '__fish_seen_subcommand_from verify' -l note -d 'what was seen' -x
complete -c backout -n '__fish_seen_subcommand_from verify' -x -a '(__backout_ask versions)'
complete -c backout -n '__fish_seen_subcommand_from tick' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from watch' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from watch' -l for -d 'begin one of that length (default: watch.heightened)' -x
complete -c backout -n '__fish_seen_subcommand_from watch' -l every -d 'the time between looks (default 30s)' -x
complete -c backout -n '__fish_seen_subcommand_from decide' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from decide' -l fact -d 'what no signal can tell, as hotfix=20m or users=60%; kept while this release serves' -x
complete -c backout -n '__fish_seen_subcommand_from decide' -l explain -d 'every step, fact and rule'
complete -c backout -n '__fish_seen_subcommand_from decide' -l no-questions -d 'ask nothing, also on a terminal'
complete -c backout -n '__fish_seen_subcommand_from decide' -l replay -d 'decide past verdicts again by today\'s rules: of that journal, or export of one; without it this site\'s'
complete -c backout -n '__fish_seen_subcommand_from report-problem' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from report-problem' -l down -d 'nobody can work'
complete -c backout -n '__fish_seen_subcommand_from note' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from note' -l file -d 'evidence to keep' -r -F
complete -c backout -n '__fish_seen_subcommand_from note' -l section -d 'it is that section of the report: impact, root-cause, lessons, actions, public' -x
complete -c backout -n '__fish_seen_subcommand_from ready' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from ready' -l prove -d 'take the slow looks, too: restore the backup, read and build the code'
complete -c backout -n '__fish_seen_subcommand_from ready' -l try -d 'instead: try a migration on a copy of the database, and say what a rollback of it would do' -x
complete -c backout -n '__fish_seen_subcommand_from plan' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from plan' -l code-only -d 'leave the database alone'
complete -c backout -n '__fish_seen_subcommand_from plan' -l db-only -d 'leave the code alone'
complete -c backout -n '__fish_seen_subcommand_from plan' -l rung -d 'what becomes of the database: leave, step-down or restore (default: the first that works)' -x -a 'leave step-down restore'
complete -c backout -n '__fish_seen_subcommand_from plan' -l to-time -d 'the database as it was at a moment, by pgBackRest: \'YYYY-MM-DD HH:MM:SS+ZZ\'' -x
complete -c backout -n '__fish_seen_subcommand_from plan' -l forward -d 'the way forward again, after a rollback'
complete -c backout -n '__fish_seen_subcommand_from plan' -x -a '(__backout_ask versions)'
complete -c backout -n '__fish_seen_subcommand_from rollback' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from rollback' -l code-only -d 'leave the database alone'
complete -c backout -n '__fish_seen_subcommand_from rollback' -l db-only -d 'leave the code alone'
complete -c backout -n '__fish_seen_subcommand_from rollback' -l rung -d 'what becomes of the database: leave, step-down or restore (default: the first that works)' -x -a 'leave step-down restore'
complete -c backout -n '__fish_seen_subcommand_from rollback' -l to-time -d 'the database as it was at a moment, by pgBackRest: \'YYYY-MM-DD HH:MM:SS+ZZ\'' -x
complete -c backout -n '__fish_seen_subcommand_from rollback' -l forward -d 'the way forward again, after a rollback'
complete -c backout -n '__fish_seen_subcommand_from rollback' -l reason -d 'why; goes into the record' -x
complete -c backout -n '__fish_seen_subcommand_from rollback' -l plan -d 'run exactly this plan' -x
complete -c backout -n '__fish_seen_subcommand_from rollback' -l pick -d 'choose from a list'
complete -c backout -n '__fish_seen_subcommand_from rollback' -l yes -d 'do not ask'
complete -c backout -n '__fish_seen_subcommand_from rollback' -x -a '(__backout_ask versions)'
complete -c backout -n '__fish_seen_subcommand_from resume' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from resume' -x -a '(__backout_ask runs)'
complete -c backout -n '__fish_seen_subcommand_from abort' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from abort' -x -a '(__backout_ask runs)'
complete -c backout -n '__fish_seen_subcommand_from retry' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from retry' -x -a '(__backout_ask runs)'
complete -c backout -n '__fish_seen_subcommand_from report' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from report' -l format -d 'md, html or json' -x -a 'md html json'
complete -c backout -n '__fish_seen_subcommand_from report' -l public -d 'the form for everybody: no hosts, people, commands, reasons'
complete -c backout -n '__fish_seen_subcommand_from report' -l out -d 'write it there; what people wrote into it stays' -r -F
complete -c backout -n '__fish_seen_subcommand_from report' -x -a '(__backout_ask runs)'
complete -c backout -n '__fish_seen_subcommand_from lint' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from lint' -l schema -d 'print the JSON Schema of backout.yaml, for editors'
complete -c backout -n '__fish_seen_subcommand_from lint' -l overlay-schema -d 'print that of an overlay'
complete -c backout -n '__fish_seen_subcommand_from lint' -r -F
complete -c backout -n '__fish_seen_subcommand_from backups; and not __fish_seen_subcommand_from list check take' -a list -d 'what is there, and what the last test said'
complete -c backout -n '__fish_seen_subcommand_from backups; and not __fish_seen_subcommand_from list check take' -a check -d 'test every one now: read it to its end, restore it beside'
complete -c backout -n '__fish_seen_subcommand_from backups; and not __fish_seen_subcommand_from list check take' -a take -d 'make one now, and test it'
complete -c backout -n '__fish_seen_subcommand_from backups' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from backups; and __fish_seen_subcommand_from list' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from backups; and __fish_seen_subcommand_from check' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from backups; and __fish_seen_subcommand_from take' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from rescue; and not __fish_seen_subcommand_from count export apply' -a count -d 'how many were inserted, changed and deleted, exactly'
complete -c backout -n '__fish_seen_subcommand_from rescue; and not __fish_seen_subcommand_from count export apply' -a export -d 'write them to files, with both sides'
complete -c backout -n '__fish_seen_subcommand_from rescue; and not __fish_seen_subcommand_from count export apply' -a apply -d 'rows of an export, of conflicts or of an archive into the live database'
complete -c backout -n '__fish_seen_subcommand_from rescue' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from rescue; and __fish_seen_subcommand_from count' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from rescue; and __fish_seen_subcommand_from count' -x -a '(__backout_ask versions)'
complete -c backout -n '__fish_seen_subcommand_from rescue; and __fish_seen_subcommand_from export' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from rescue; and __fish_seen_subcommand_from export' -x -a '(__backout_ask versions)'
complete -c backout -n '__fish_seen_subcommand_from rescue; and __fish_seen_subcommand_from apply' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from rescue; and __fish_seen_subcommand_from apply' -l dry-run -d 'say what would come of it, and change nothing'
complete -c backout -n '__fish_seen_subcommand_from rescue; and __fish_seen_subcommand_from apply' -l yes -d 'do not ask'
complete -c backout -n '__fish_seen_subcommand_from rescue; and __fish_seen_subcommand_from apply' -r -F
complete -c backout -n '__fish_seen_subcommand_from audit; and not __fish_seen_subcommand_from verify' -a verify -d 'walk every hash chain'
complete -c backout -n '__fish_seen_subcommand_from audit' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from audit; and __fish_seen_subcommand_from verify' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from journal; and not __fish_seen_subcommand_from export' -a export -d 'one event per line as JSON'
complete -c backout -n '__fish_seen_subcommand_from journal' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from journal; and __fish_seen_subcommand_from export' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from completion' -s h -l help -d 'Print this help message and exit'
complete -c backout -n '__fish_seen_subcommand_from completion' -x -a 'bash zsh fish'
