import { request } from 'node:http'
import { text } from 'node:stream/consumers'

export type HttpQuestion = {
  readonly host: string
  readonly port: number
  readonly path: string
  readonly token?: string
}

export async function httpGet({ token, ...where }: HttpQuestion): Promise<{ status: number; body: string }> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return new Promise((resolve, reject) => {
    request({ ...where, headers, agent: false }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject)
    })
      .on('error', reject)
      .end()
  })
}
