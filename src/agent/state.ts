/**
 * What an agent must still know after a restart: the number and digest of every list it ever put in force, so that no
 * older one is taken; what the feed has added; and when the service last said that nothing is missing.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { appendFile, makeFolder, replaceFile } from './files.ts'
import { countOf, instantOf, listOf, objectOf, parseJson, textOf, type JsonObject } from './json.ts'
import type { Addition } from './refused-set.ts'
import type { ListName } from './trust.ts'
import type { ListMark } from './verify-list.ts'

export type SavedState = {
  /** By list key. */
  readonly floors: ReadonlyMap<string, ListMark>
  readonly additions: readonly Addition[]
  /** The newest change that everything up to is known of. */
  readonly change: number
  readonly heardAt: Date | undefined
}

const fresh: SavedState = { floors: new Map(), additions: [], change: 0, heardAt: undefined }

export class StateFolder {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
    makeFolder(folder)
    makeFolder(join(folder, 'lists'))
  }

  /** @throws when there is a state that cannot be read: then nothing protects from older lists, and a person must look */
  read(): SavedState {
    const text = readIfThere(this.#path('state.json'))
    const state = text === undefined ? fresh : readState(parseJson(text.toString()))
    const more = (readIfThere(this.#path('additions.jsonl')) ?? '').toString().split('\n').flatMap(readAdditionLine)
    return { ...state, additions: [...state.additions, ...more] }
  }

  /** Everything as it is now; the additions that were written one by one are in it. */
  write({ floors, additions, change, heardAt }: SavedState): void {
    const lists = [...floors].map(([key, mark]) => ({
      key, crlNumber: String(mark.crlNumber), sha256: mark.sha256, thisUpdate: mark.thisUpdate.toISOString(), change: mark.change,
    }))
    replaceFile(this.#path('state.json'), JSON.stringify({ lists, additions, change, ...heardAt && { heardAt: heardAt.toISOString() } }), {
      check: bytes => { readState(parseJson(bytes.toString())) },
    })
    replaceFile(this.#path('additions.jsonl'), '')
  }

  /** Additions between two writes of the whole. */
  append(additions: readonly Addition[]): void {
    appendFile(this.#path('additions.jsonl'), additions.map(addition => `${JSON.stringify(addition)}\n`).join(''))
  }

  readList(name: ListName): Buffer | undefined {
    return readIfThere(this.#path(`lists/${fileName(name)}`))
  }

  writeList(name: ListName, der: Buffer): void {
    replaceFile(this.#path(`lists/${fileName(name)}`), der)
  }

  get listFiles(): string[] {
    return readdirSync(this.#path('lists')).filter(name => !name.startsWith('.'))
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }
}

const fileName = ({ authority, partition }: ListName): string => `${authority}${partition === null ? '' : `.${partition}`}.crl`

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function readState(state: JsonObject): SavedState {
  const floors = listOf(state, 'lists').map((item): [string, ListMark] => [textOf(item, 'key'), {
    crlNumber: BigInt(textOf(item, 'crlNumber', /^\d{1,49}$/)), sha256: textOf(item, 'sha256', /^[0-9a-f]{64}$/),
    thisUpdate: instantOf(item, 'thisUpdate'), change: countOf(item, 'change'),
  }])
  return {
    floors: new Map(floors), additions: listOf(state, 'additions').map(readAddition), change: countOf(state, 'change'),
    heardAt: state['heardAt'] === undefined ? undefined : instantOf(state, 'heardAt'),
  }
}

const readAddition = (object: JsonObject): Addition => ({
  authority: textOf(object, 'authority'), serialNumber: textOf(object, 'serialNumber', /^[0-9a-f]{2,40}$/), change: countOf(object, 'change'),
})

/** A line that was cut off by the end of the process says nothing; the feed tells it again. */
function readAdditionLine(line: string): Addition[] {
  try {
    return line === '' ? [] : [readAddition(objectOf(JSON.parse(line), 'an addition'))]
  } catch {
    return []
  }
}
