import type { Template } from '../enrollment/template.ts'
import { json, type Queryable } from './db.ts'

export type TemplateRecord = { name: string, template: Template, updatedAt: Date, updatedBy: string }
type TemplateRow = { name: string, body: Template, updated_at: Date, updated_by: string }

const recordOf = (row: TemplateRow): TemplateRecord => ({ name: row.name, template: row.body, updatedAt: row.updated_at, updatedBy: row.updated_by })

export function templateStore(db: Queryable) {
  return {
    async find(name: string): Promise<TemplateRecord | undefined> {
      const [row] = await db.query<TemplateRow>('select name, body, updated_at, updated_by from templates where name = $1', [name])
      return row === undefined ? undefined : recordOf(row)
    },
    async list(): Promise<TemplateRecord[]> {
      return (await db.query<TemplateRow>('select name, body, updated_at, updated_by from templates order by name')).map(recordOf)
    },
    async put(record: TemplateRecord): Promise<void> {
      await db.query(`
        insert into templates (name, body, updated_at, updated_by) values ($1, $2, $3, $4)
        on conflict (name) do update set body = excluded.body, updated_at = excluded.updated_at, updated_by = excluded.updated_by`,
      [record.name, json(record.template), record.updatedAt, record.updatedBy])
    },
    /** What a first start brings; what an admin wrote under that name stays. */
    async addIfMissing(record: TemplateRecord): Promise<void> {
      await db.query('insert into templates (name, body, updated_at, updated_by) values ($1, $2, $3, $4) on conflict (name) do nothing',
        [record.name, json(record.template), record.updatedAt, record.updatedBy])
    },
  }
}
