/**
 * What is told once, on a page of its own after the form that made it: the page can be read again without anything being
 * made again, and its address says nothing. The store has it encrypted, and the key is in a cookie of that browser alone.
 */
import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto'
import type { Context } from 'koa'
import { shownOnceStore } from '../store/shown-once.ts'
import type { Service } from './service.ts'
import { sessionOf } from './session.ts'

/** Long enough to print and to copy. */
export const shownMinutes = 10

const cipher = 'aes-256-gcm'
const path = '/console'
const cookieOf = ({ url }: Service['config']): { name: string, secure: string } =>
  url.startsWith('https:') ? { name: '__Secure-latchkey-shown', secure: '; Secure' } : { name: 'latchkey-shown', secure: '' }

/** @param value  as JSON can have it @returns the id under which this browser reads it for ten minutes */
export async function showOnce(ctx: Context, service: Pick<Service, 'config' | 'db' | 'now'>, value: unknown): Promise<string> {
  const [id, key, nonce] = [randomUUID(), randomBytes(32), randomBytes(12)]
  const sealing = createCipheriv(cipher, key, nonce).setAAD(Buffer.from(id))
  const sealed = Buffer.concat([nonce, sealing.update(JSON.stringify(value)), sealing.final(), sealing.getAuthTag()])
  await shownOnceStore(service.db).add({ id, sessionId: sessionOf(ctx).sessionId, sealed, expiresAt: new Date(service.now().getTime() + shownMinutes * 60_000) })
  const { name, secure } = cookieOf(service.config)
  ctx.append('set-cookie', `${name}=${key.toString('base64url')}; Path=${path}; HttpOnly; SameSite=Lax; Max-Age=${shownMinutes * 60}${secure}`)
  return id
}

/** @returns undefined when it is over, was told to another browser, or something else was told to this one since */
export async function shownOnce(ctx: Context, service: Pick<Service, 'config' | 'db' | 'now'>, id: string): Promise<unknown> {
  const key = keyIn(ctx, cookieOf(service.config).name)
  if (key === undefined || !/^[0-9a-f-]{36}$/.test(id)) return undefined
  const sealed = await shownOnceStore(service.db).find(id, sessionOf(ctx).sessionId, service.now())
  if (sealed === undefined) return undefined
  try {
    const opening = createDecipheriv(cipher, key, sealed.subarray(0, 12)).setAAD(Buffer.from(id)).setAuthTag(sealed.subarray(-16))
    return JSON.parse(Buffer.concat([opening.update(sealed.subarray(12, -16)), opening.final()]).toString('utf8'))
  } catch {
    return undefined
  }
}

function keyIn(ctx: Context, wanted: string): Buffer | undefined {
  for (const pair of ctx.get('cookie').split(';')) {
    const [name, value] = pair.trim().split('=', 2)
    if (name === wanted && value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value)) return Buffer.from(value, 'base64url')
  }
  return undefined
}
