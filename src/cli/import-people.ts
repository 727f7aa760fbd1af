import { CaError } from '../errors.ts'
import { decodeExport } from '../formats/exchange/text.ts'
import { importExchangeDevices } from '../protocols/api/operations/imports.ts'
import { line, type Context } from './command.ts'
import { readBytes } from './files.ts'
import { table } from './output.ts'

const verdictWords = { allow: 'would get in', quarantine: 'would be looked at', block: 'would not get in' } as const

/** `import exchange-devices` */
export async function exchangeDevices({ client, print, world, json }: Context, { csv = false, part }: { csv?: boolean, part?: number }, ...given: unknown[]): Promise<void> {
  const files = (given.flat() as string[]).map(file => decodeExport(readBytes(file)))
  const found = await client.call(importExchangeDevices, { files })
  if (csv && !json) {
    if (found.csv.length > 1 && part === undefined) throw new CaError('invalid-argument', `these are more people than \`invite batch\` takes at once: say --part 1 to --part ${found.csv.length}`)
    const text = found.csv[(part ?? 1) - 1]
    if (text === undefined) throw new CaError('invalid-argument', found.csv.length === 0 ? 'there is nobody with an address of whom a phone could get in' : `there are ${found.csv.length} parts`)
    world.stdout.write(text)
    return
  }
  const { people } = found
  print(found, () => [
    line(`${found.phones} phones of ${people.count} people. Nothing is changed, and none of what they claim is evidence.`),
    line(`${found.neverPass} would not get in as policy stands, even if what they claim were proven; ${found.unknown} claim no model; ${found.others} are no iPhone, iPad or iPod; ${found.nobodys} are of nobody that Exchange names.`), '\n',
    table(['person', 'e-mail', 'phones', 'could get in', 'models, if their claims were proven'], people.first.map(person => [
      person.name, person.email, person.phones, person.couldPass, person.models.map(({ model, prospect }) => `${model}: ${prospect === null ? 'not known' : verdictWords[prospect.verdict]}`).join('; '),
    ])),
    ...people.count > people.first.length ? [line(`${people.count - people.first.length} further people; --csv has all who could get in`)] : [],
    '\n', line(found.csv.length === 0 ? 'Nobody with an address could get in. Exchange writes no addresses by itself: add a column PrimarySmtpAddress.' : '--csv prints those who could get in, as `invite batch` takes them.'),
  ].join(''))
}
