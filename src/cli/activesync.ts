import { createReadStream } from 'node:fs'
import type { Command } from 'commander'
import { loadBundledCatalogue } from '../devices/catalogue.ts'
import { explainClaim, explainQuery, queryFields, type ActiveSyncInput } from '../devices/activesync-words.ts'
import { CaError } from '../errors.ts'
import { activesyncFindings } from '../protocols/api/operations/activesync.ts'
import { group, leaf, line, type Context, type World } from './command.ts'
import { table, when } from './output.ts'

export function activesyncCommands(root: Command, world: World): void {
  const activesync = group(root, 'activesync', 'what ActiveSync clients say of themselves')
  leaf(activesync, world, 'explain', 'what a string claims and what is wrong with it; asks no service (--json prints one object a line)', explain, command => command
    .option('--user-agent <text>', 'a User-Agent, for example Apple-iPhone14C5/2001.362').option('--query <text>', 'what stands after ? in a request, plain or base64')
    .option('--device-model <text>', 'as Exchange lists it, for example iPhone14C5').option('--device-os <text>', 'as Exchange lists it, for example "iOS 16.0 20A362"')
    .option('--file <lines>', 'a file of User-Agents, one a line; - is standard input').option('--queries', 'the lines are queries'))
  leaf(activesync, world, 'findings', 'phones whose requests contradict their certificate, and nobody has looked yet', findings)
}

type Options = { userAgent?: string, query?: string, deviceModel?: string, deviceOs?: string, file?: string, queries?: boolean }
type Asked = ActiveSyncInput | { readonly kind: 'query', readonly text: string }

async function explain({ world, json }: Context, { userAgent, query, deviceModel, deviceOs, file, queries }: Options): Promise<void> {
  const given = ([['user-agent', userAgent], ['query', query], ['device-model', deviceModel], ['device-os', deviceOs]] as const)
    .flatMap(([kind, text]): Asked[] => text === undefined ? [] : [{ kind, text }])
  if (given.length === 0 && file === undefined) throw new CaError('invalid-argument', 'name a string: --user-agent, --query, --device-model, --device-os or --file')
  if (queries === true && file === undefined) throw new CaError('invalid-argument', '--queries says what the lines of --file are')
  for (const asked of given) world.stdout.write(answerTo(asked, json))
  if (file === undefined) return
  for await (const text of linesOf(file)) world.stdout.write(answerTo({ kind: queries === true ? 'query' : 'user-agent', text }, json))
}

/** A log can be longer than memory, so it is read as it comes. */
async function* linesOf(file: string): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  let rest = ''
  try {
    for await (const text of input.setEncoding('utf8')) {
      const lines = `${rest}${text}`.split('\n')
      rest = lines.pop()!
      if (rest.length > 1_000_000) throw new CaError('invalid-argument', `${file} has a line that is too long`)
      yield* lines.map(withoutReturn)
    }
  } catch (cause) {
    if (cause instanceof CaError) throw cause
    throw new CaError('invalid-argument', `${file} cannot be read`, { cause })
  }
  if (rest !== '') yield withoutReturn(rest)
}

const withoutReturn = (text: string): string => text.endsWith('\r') ? text.slice(0, -1) : text

function answerTo(asked: Asked, json: boolean): string {
  if (asked.kind === 'query') {
    const explained = explainQuery(asked.text)
    const fields = 'error' in explained ? { error: explained.error } : queryFields(explained.query)
    return json ? `${JSON.stringify({ input: explained.input, ...fields })}\n` : inWords(explained)
  }
  const { sentences, ...fields } = explainClaim(loadBundledCatalogue(), asked)
  return json ? `${JSON.stringify(fields)}\n` : inWords({ input: fields.input, sentences })
}

const inWords = ({ input, sentences }: { input: string, sentences: readonly string[] }): string => line(input) + sentences.map(sentence => line(`  ${sentence}`)).join('')

async function findings({ client, print }: Context): Promise<void> {
  print(await client.call(activesyncFindings, {}), ({ items }) => table(['person', 'product type', 'finding', 'since', 'what', 'device'],
    items.map(f => [f.personEmail, f.productType, f.finding, when(f.foundAt), f.sentence, f.deviceId])))
}
