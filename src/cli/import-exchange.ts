import { loadBundledCatalogue } from '../devices/catalogue.ts'
import { CaError } from '../errors.ts'
import { sortExport } from '../formats/exchange/inventory.ts'
import { readExport } from '../formats/exchange/records.ts'
import { decodeExport } from '../formats/exchange/text.ts'
import { reportOnExchange, type ExchangeReport } from '../policy/import/exchange-report.ts'
import { describeConditions } from '../policy/words.ts'
import { line, type Context } from './command.ts'
import { readBytes } from './files.ts'
import { table } from './output.ts'
import { previewProposal, proposalText } from './proposal.ts'

export async function exchangeRules(context: Context, { preview }: { preview?: boolean }, ...given: unknown[]): Promise<void> {
  const rows = (given.flat() as string[]).flatMap(file => {
    try {
      return readExport(decodeExport(readBytes(file)))
    } catch (error) {
      throw error instanceof CaError ? new CaError(error.code, `${file}: ${error.message}`, { cause: error }) : error
    }
  })
  const report = reportOnExchange(loadBundledCatalogue(), sortExport(rows), context.world.now())
  if (preview !== true) return context.print(report, reportText)
  context.print(await previewProposal(context.client, report.proposal), changes => changes.map(change => change.text).join(''))
}

const titles = { 'illusion': 'What never did what it seemed to:', 'not-carried-over': 'What could not be carried over:', 'note': 'What to know:' } as const

export function reportText({ read, defaultAccessLevel, carried, notCarried, doubtful, findings, proposal, differences, devices }: ExchangeReport): string {
  const said = (kind: keyof typeof titles): string[] => [
    ...findings.filter(finding => finding.kind === kind).map(({ text, code }) => line(`- ${text} [${code}]`)),
    ...[...notCarried, ...doubtful].filter(problem => problem.kind === kind).map(({ rule, accessLevel, text, code }) => line(`- ${accessLevel} ${rule}: ${text} [${code}]`)),
  ]
  const losing = devices.filter(({ accessState, proposed }) => accessState === 'Allowed' && proposed !== 'allow')
  return [
    line(`Read: ${read.rules} rules, ${read.policies} mailbox policies, ${read.devices} phones; what no rule names: ${defaultAccessLevel}.`),
    ...carried.length === 0 ? [] : ['\n', table(['rule', 'level', 'becomes'], carried.map(one => [one.rule, one.accessLevel, describeConditions(one.conditions)]))],
    ...(['illusion', 'not-carried-over', 'note'] as const).flatMap(kind => said(kind).length === 0 ? [] : ['\n', line(titles[kind]), ...said(kind)]),
    ...losing.length === 0 ? [] : ['\n', line(`${losing.length} of ${devices.length} Apple phones are let in now and would not be, if what they say were proven:`),
      table(['person', 'model', 'build', 'would be', 'contradictions'], losing.slice(0, 50).map(device => [device.user, device.productType, device.build, device.proposed ?? 'not known', device.contradictions.join(', ')]))],
    '\n', proposalText(proposal),
    line(differences.length === 0 ? 'It decides about every known model and build as Exchange does, when phones tell the truth.' : `It decides otherwise than Exchange about ${differences.length} pairs of model and build, even when phones tell the truth.`),
  ].join('')
}
