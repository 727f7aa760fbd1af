import type { CertificateKey } from '../certificates/revoke.ts'
import type { DeviceRecord } from '../enrollment/records.ts'
import type { Contradiction, ContradictionFinding } from '../policy/contradictions.ts'
import type { Queryable } from './db.ts'
import { inventoryOf } from './inventory.ts'

/** What the gate does at a front end with a request that contradicts its certificate. */
export const gateActions = ['observe', 'quarantine', 'refuse'] as const
export type GateAction = typeof gateActions[number]

/** Whose certificate it is. */
export type HolderRecord = {
  device: DeviceRecord, version: number, invitationId: string | null, claimedId: string | null
  person: { email: string, userPrincipalName: string | null, groups: string[], held: boolean }
}
export type FindingRecord = {
  finding: ContradictionFinding, claimed: string, serialNumber: Buffer, frontEnd: string, action: GateAction, sentence: string
  foundAt: Date, settledAt: Date | null, settledBy: string | null, accepted: boolean
}
export type OpenFinding = { deviceId: string, personId: string, personName: string, personEmail: string, productType: string, finding: ContradictionFinding, sentence: string, foundAt: Date }

/** More different ones of one device, while nobody has looked, say nothing new. */
const mostOfADevice = 20

const findingColumns = `finding, claimed, serial_number as "serialNumber", front_end as "frontEnd", action, sentence, found_at as "foundAt", settled_at as "settledAt", settled_by as "settledBy", accepted`

export function activeSyncStore(db: Queryable) {
  const grow = async (deviceId: string): Promise<void> => { await db.query('update devices set activesync_version = activesync_version + 1 where id = $1', [deviceId]) }
  return {
    async holder(key: CertificateKey): Promise<HolderRecord | undefined> {
      const [row] = await db.query(`
        select d.*, ${inventoryOf('d')}, c.invitation_id, i.claimed_id, p.email, p.user_principal_name, p.groups, p.held_at is not null as held
        from certificates c join devices d on d.id = c.device_id join people p on p.id = d.person_id
          left join activesync_device_ids i on i.authority_id = c.authority_id and i.serial_number = c.serial_number
        where c.authority_id = $1 and c.serial_number = $2`, [key.authorityId, key.serialNumber])
      return row === undefined ? undefined : holderOf(row)
    },
    /** The first stands. @returns the one that stands */
    async putDeviceId(key: CertificateKey, claimedId: string, now: Date): Promise<string> {
      await db.query('insert into activesync_device_ids (authority_id, serial_number, claimed_id, first_seen_at) values ($1, $2, $3, $4) on conflict do nothing', [key.authorityId, key.serialNumber, claimedId, now])
      return (await db.query<{ claimed_id: string }>('select claimed_id from activesync_device_ids where authority_id = $1 and serial_number = $2', [key.authorityId, key.serialNumber]))[0]!.claimed_id
    },
    /** Newest first. */
    findings: async (deviceId: string): Promise<FindingRecord[]> =>
      await db.query<FindingRecord>(`select ${findingColumns} from activesync_findings where device_id = $1 order by found_at desc, finding, claimed`, [deviceId]),
    /** Newest first. */
    deviceIds: async (deviceId: string): Promise<{ serialNumber: Buffer, claimedId: string, firstSeenAt: Date }[]> =>
      await db.query(`select i.serial_number as "serialNumber", i.claimed_id as "claimedId", i.first_seen_at as "firstSeenAt"
        from certificates c join activesync_device_ids i on i.authority_id = c.authority_id and i.serial_number = c.serial_number
        where c.device_id = $1 order by i.first_seen_at desc limit 50`, [deviceId]),
    /** Once for each claim; a stricter action than before is written over the earlier one. @returns false when it says nothing new */
    async add(deviceId: string, found: Contradiction, where: { serialNumber: Buffer, frontEnd: string, action: GateAction }, now: Date): Promise<boolean> {
      const rows = await db.query(`
        insert into activesync_findings as f (device_id, finding, claimed, serial_number, front_end, action, sentence, found_at)
        select $1, $2, $3, $4, $5, $6, $7, $8
        where (select count(*) from activesync_findings where device_id = $1 and settled_at is null) < ${mostOfADevice}
          or exists (select 1 from activesync_findings where device_id = $1 and finding = $2 and claimed = $3)
        on conflict (device_id, finding, claimed) do update set action = excluded.action, front_end = excluded.front_end
          where f.settled_at is null and f.action <> 'quarantine' and f.action <> excluded.action and excluded.action <> 'observe'
        returning 1`, [deviceId, found.finding, found.claimed, where.serialNumber, where.frontEnd, where.action, found.sentence, now])
      if (rows.length > 0) await grow(deviceId)
      return rows.length > 0
    },
    /**
     * Somebody looked at them. What is accepted is no contradiction any more, also when it was refused before.
     *
     * @param only  those that set the phone aside, where somebody decides about that
     * @returns how many
     */
    async settle(deviceId: string, accepted: boolean, only: GateAction | null, by: string, now: Date): Promise<number> {
      const settled = await db.query(`update activesync_findings set settled_at = $2, settled_by = $3, accepted = $4
        where device_id = $1 and not accepted and ($4 or settled_at is null) and ($5::text is null or action = $5) returning 1`, [deviceId, now, by, accepted, only])
      if (settled.length > 0) await grow(deviceId)
      return settled.length
    },
    /** The newest of each device with something that nobody has looked at, without those that wait in quarantine. */
    async open(limit: number): Promise<OpenFinding[]> {
      return await db.query<OpenFinding>(`
        select f.device_id as "deviceId", p.id as "personId", p.name as "personName", p.email as "personEmail", d.product_type as "productType", f.finding, f.sentence, f.found_at as "foundAt"
        from (select distinct on (device_id) * from (select * from activesync_findings where settled_at is null order by found_at desc limit 2000) n
            order by device_id, found_at desc) f
          join devices d on d.id = f.device_id join people p on p.id = d.person_id
        where not exists (select 1 from enrollments e where e.device_id = f.device_id and e.state = 'quarantined')
        order by f.found_at desc, f.device_id limit $1`, [limit])
    },
  }
}

const holderOf = (row: any): HolderRecord => ({
  device: {
    id: row.id, personId: row.person_id, udid: row.udid, serialNumber: row.serial_number, productType: row.product_type, build: row.build, osVersion: row.os_version,
    grade: row.grade, test: row.test, knownAt: row.known_at, lockedOut: row.locked_out, inventory: row.inventory,
  },
  version: row.activesync_version, invitationId: row.invitation_id, claimedId: row.claimed_id,
  person: { email: row.email, userPrincipalName: row.user_principal_name, groups: row.groups, held: row.held },
})
