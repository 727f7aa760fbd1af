import { InvalidArgumentError, type Command } from 'commander'
import { presetNames } from '../devices/presets.ts'
import { loadBundledCatalogue } from '../devices/catalogue.ts'
import { CaError } from '../errors.ts'
import { examineRuleset, tryUserAgents, type RulesetInput } from '../policy/import/examine-ruleset.ts'
import type { RulesetReport } from '../policy/import/ruleset-report.ts'
import type { Simulated } from '../policy/import/simulate.ts'
import { group, leaf, line, wholeNumber, type Context, type World } from './command.ts'
import { readText } from './files.ts'
import { table } from './output.ts'
import { exchangeRules } from './import-exchange.ts'
import { exchangeDevices } from './import-people.ts'
import { bringInventory } from './inventory.ts'
import { previewProposal, proposalText } from './proposal.ts'

export function importCommands(root: Command, world: World): void {
  const imports = group(root, 'import', 'what other systems have, read and judged; nothing is changed but by `inventory --apply`')
  leaf(imports, world, 'rewrite-rules <file>', 'what a mod_rewrite User-Agent ruleset really does, and the policy in its place; asks no service', rewriteRules, command => command
    .option('--aim <models>', `whom the rules were meant to let in: ${presetNames.join(', ')}, a product type or a wildcard`).option('--os-from <version>', 'and from which version on')
    .option('--user-agents <lines>', 'a file of User-Agents, one a line; an empty line is a request without one (--json prints one object a line)')
    .option('--known', 'every User-Agent that known phones send, one a line').option('--per-directory', 'the file is a .htaccess')
    .option('--set <name=value>', 'what a variable is that the rules ask for; may be repeated', variable, {}).option('--preview', 'preview the proposed changes in the service'))
  leaf(imports, world, 'exchange-rules <files...>', 'device access rules, settings and phones of Exchange (CSV, JSON or Microsoft365DSC), and the policy in their place; asks no service', exchangeRules, command => command
    .option('--preview', 'preview the proposed changes in the service'))
  leaf(imports, world, 'exchange-devices <files...>', 'from the phones of Exchange (Get-MobileDevice as CSV or JSON) to the people whom to invite; nothing is changed', exchangeDevices, command => command
    .option('--csv', 'print whom to invite, as `invite batch` takes it').option('--part <n>', 'which part of it, where they are too many for one', wholeNumber))
  leaf(imports, world, 'inventory <file>', 'the organization’s own devices (CSV or JSON: of Apple Business Manager, Intune, Jamf Pro or your own); without --apply it only checks', bringInventory, command => command
    .option('--merge', 'add to what there is, instead of taking its place').option('--apply', 'put it in force, all of it or nothing'))
}

type Variables = Record<string, string>
type Options = { aim?: string, osFrom?: string, userAgents?: string, known?: boolean, perDirectory?: boolean, set: Variables, preview?: boolean }

function variable(text: string, before: Variables): Variables {
  const match = /^([A-Za-z_:-]{1,100})=(.*)$/s.exec(text)
  if (match === null) throw new InvalidArgumentError('must be like HTTP_HOST=mail.example.org')
  return { ...before, [match[1]!]: match[2]! }
}

async function rewriteRules(context: Context, options: Options, file: string): Promise<void> {
  const { world, json, print } = context
  const { aim, osFrom, userAgents, known, perDirectory, set, preview } = options
  if ([userAgents, known, preview].filter(option => option !== undefined).length > 1) throw new CaError('invalid-argument', '--user-agents, --known and --preview are three different questions')
  const input: RulesetInput = { ruleset: readText(file), aim: { models: aim, osFrom }, perDirectory: perDirectory === true || /(^|\/)\.htaccess$/.test(file), variables: set }
  if (userAgents !== undefined) {
    const ask = tryUserAgents(input)
    for (const text of linesIn(readText(userAgents))) world.stdout.write(simulatedText(ask(text), json))
    return
  }
  const { report, rows } = examineRuleset(loadBundledCatalogue(), input, world.now())
  if (known === true) {
    for (const row of rows) world.stdout.write(simulatedText(row, json))
    return
  }
  if (preview !== true) return print(report, reportText)
  if (report.proposal === null) throw new CaError('invalid-argument', 'there is no proposal: it would take too many rules')
  print(await previewProposal(context.client, report.proposal), changes => changes.map(change => change.text).join(''))
}

/** The end of the last line is not the beginning of another. */
const linesIn = (text: string): string[] => text.replace(/\r?\n$/, '').split(/\r?\n/)

const simulatedText = (row: Simulated, json: boolean): string => json ? `${JSON.stringify(row)}\n`
  : line(`${row.verdict}  ${row.rule === null ? 'no rule' : `rule ${row.rule}`}  ${row.userAgent === '' ? '(no User-Agent)' : row.userAgent}`)

function reportText(report: RulesetReport): string {
  const { totals, rules, models, findings, aim, differences, proposal } = report
  const wrong = models.filter(({ wronglyIn, wronglyOut }) => wronglyIn > 0 || wronglyOut > 0)
  return [
    line(`Of ${totals.texts} User-Agents that known phones send, ${totals.passed} pass and ${totals.blocked} are refused.`),
    ...aim === null ? [] : [line(`Against the aim (${aim}): ${totals.wronglyIn} are let in wrongly, ${totals.wronglyOut} are refused wrongly, ${totals.notToldApart} cannot be told.`)],
    '\n', table(['rule', 'line', 'passed', 'refused', 'does'], rules.map(rule => [rule.rule, rule.line, rule.passed, rule.blocked, rule.sentence])),
    ...wrong.length === 0 ? [] : ['\n', table(['model', 'name', 'wrongly in', 'wrongly out', 'of', 'for example'],
      wrong.map(model => [model.productType, model.name, model.wronglyIn, model.wronglyOut, model.texts, model.example]))],
    '\n', ...findings.map(({ text, lines, code }) => line(`- ${text}${lines.length === 0 ? '' : ` (line ${lines.join(', ')})`} [${code}]`)),
    '\n', proposal === null ? line('A policy that does the same would take too many rules; say with --aim what is wanted.') : proposalText(proposal),
    line(differences.length === 0 ? 'It decides about every known model and build as the rules do.' : `It decides otherwise than the rules about ${differences.length} pairs of model and build.`),
  ].join('')
}
