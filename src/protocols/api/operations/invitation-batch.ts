import { z } from 'zod'
import { isFormula, parseCsv, type CsvRecord } from '../../../formats/csv.ts'
import { mistakeInWords } from '../../../formats/mistake-words.ts'
import { isPlainLine } from '../../../formats/plain-text.ts'
import { change } from '../../../http/change.ts'
import { invitationStore } from '../../../store/invitations.ts'
import { templateStore } from '../../../store/templates.ts'
import { id, instant, lines } from '../fields.ts'
import { operation } from '../operation.ts'
import { addInvitation, invitationInput, type NewInvitation } from './invitations.ts'

export const maxBatch = 500

const batchLine = z.strictObject({
  /** Where it stands in the file, from 1. */
  line: z.int(), name: z.string(), email: z.string(), template: z.string(), devices: z.string(),
  /** What keeps it from being created. */
  mistakes: z.array(z.string()),
  /** What somebody should have seen before it is created. */
  notes: z.array(z.string()),
  invitation: z.strictObject({ id, url: z.url(), expiresAt: instant }).nullable(),
})
export type BatchLine = z.output<typeof batchLine>

export const inviteBatch = operation({
  id: 'inviteBatch', method: 'post', path: '/invitations/batch', role: 'operator',
  summary: 'Invite many people from comma-separated values: checked first, then all of them or none. Links are told this once.',
  input: z.strictObject({
    /** With or without a first line of column names: name, email, template, devices, key, days, groups, userPrincipalName, language. */
    csv: lines(200_000).min(1),
    /** False checks and creates nothing. */
    create: z.boolean().default(false),
    /** Also mail each link to its person. */
    send: z.boolean().default(false),
  }),
  output: z.strictObject({ lines: z.array(batchLine), mistakes: z.int(), created: z.boolean() }),
  async run(service, actor, { csv, create, send }) {
    return await change(service, actor, async (tx, record, now) => {
      const known = await invitationStore(tx).known(addressesIn(csv), now)
      const templates = new Map((await templateStore(tx).list()).map(({ name, template }) => [name, template]))
      const checked = checkBatch(csv, { known, templates: [...templates.keys()] })
      const mistakes = checked.filter(({ line }) => line.mistakes.length > 0).length
      if (!create || mistakes > 0) return { lines: checked.map(({ line }) => line), mistakes, created: false }
      const lines: BatchLine[] = []
      for (const { line, order } of checked) {
        const invitation: NewInvitation = await addInvitation(service, tx, record, actor, { ...order!, send }, templates.get(order!.template)!, now)
        lines.push({ ...line, invitation })
      }
      return { lines, mistakes, created: true }
    })
  },
})

const columns = ['name', 'email', 'template', 'devices', 'key', 'days', 'groups', 'userPrincipalName', 'language'] as const
type Column = typeof columns[number]
const plain = (heading: string): string => heading.toLowerCase().replaceAll(/[^a-z]/g, '')
const columnNamed = (heading: string): Column | undefined => columns.find(column => plain(column) === plain(heading))

type Order = z.output<typeof invitationInput>
type Known = { known: readonly { email: string, name: string, invited: boolean }[], templates: readonly string[] }
type Table = { headings: readonly (Column | string)[], records: readonly CsvRecord[] }

/** @throws {CaError} malformed-csv */
function tableIn(csv: string): Table {
  const records = parseCsv(csv, { maxRecords: maxBatch + 1, maxColumns: 20 })
  const [first] = records
  const named = first?.cells.some(cell => columnNamed(cell) !== undefined) === true
  return named ? { headings: first!.cells.map(cell => columnNamed(cell) ?? cell), records: records.slice(1) } : { headings: columns, records: records.slice(0, maxBatch) }
}

const addressesIn = (csv: string): string[] => {
  const { headings, records } = tableIn(csv)
  const column = headings.indexOf('email')
  // What cannot stand in a database is not looked up there; it is a mistake of its line.
  return [...new Set(records.map(({ cells }) => (cells[column] ?? '').toLowerCase()).filter(isPlainLine))]
}

/** Checks every line by itself and against the others; an order is there where nothing is wrong. */
export function checkBatch(csv: string, { known, templates }: Known): { line: BatchLine, order: Order | undefined }[] {
  const { headings, records } = tableIn(csv)
  const wrongHeadings = headings.filter(heading => columnNamed(heading) === undefined).map(heading => `there is no column “${heading.slice(0, 40)}”`)
  const people = new Map(known.map(person => [person.email, person]))
  const seen = new Map<string, number>()
  return records.map(({ line, cells }) => {
    const given = givenIn(headings, cells)
    const { success, data, error } = invitationInput.safeParse(given)
    const email = String(given['email'] ?? '').toLowerCase()
    const earlier = seen.get(email)
    if (email !== '' && earlier === undefined) seen.set(email, line)
    const mistakes = [
      ...wrongHeadings,
      ...cells.length > headings.length ? ['there are more cells than columns'] : [],
      ...cells.some(isFormula) ? ['a cell begins like a formula of a spreadsheet'] : [],
      ...earlier === undefined ? [] : [`the same address stands on line ${earlier}`],
      ...success ? [] : error.issues.map(issue => `${issue.path.join(' ')} ${mistakeInWords(issue)}`),
      ...success && !templates.includes(data.template) ? [`there is no template named ${data.template}`] : [],
    ].slice(0, 10)
    const person = people.get(email)
    const notes = person === undefined ? [] : [
      ...person.name === given['name'] ? [] : [`on record as ${person.name}; the new name replaces it`],
      ...person.invited ? ['has an invitation already that still opens'] : [],
    ]
    const text = (column: Column, fallback = ''): string => String(given[column] ?? fallback).slice(0, 300)
    const shown: BatchLine = { line, name: text('name'), email: text('email'), template: text('template', 'default'), devices: text('devices', '1'), mistakes, notes, invitation: null }
    return { line: shown, order: mistakes.length === 0 ? data : undefined }
  })
}

/** An empty cell is one that says nothing. */
function givenIn(headings: readonly string[], cells: readonly string[]): Record<string, unknown> {
  const given: Record<string, unknown> = {}
  for (const [index, heading] of headings.entries()) {
    const column = columnNamed(heading)
    const cell = cells[index] ?? ''
    if (column === undefined || cell === '') continue
    if (column === 'devices' || column === 'days') given[column] = /^\d{1,4}$/.test(cell) ? Number(cell) : cell
    else given[column] = column === 'groups' ? cell.split('|').map(group => group.trim()) : cell
  }
  return given
}
