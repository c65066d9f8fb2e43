/**
 * Maximum flows from demands to servers who each serve at most `cap` of them, by the algorithm of Hopcroft and Karp:
 * a demand takes a server at most once.
 */

/**
 * Servers for every demand, or null if there are not enough.
 * @param {{need: number, from: number[]}[]} demands how many servers each needs, and of whom
 * @param {number} servers how many servers there are
 * @param {number} cap
 * @returns {number[][]|null} the servers of each demand
 */
export function serve(demands, servers, cap) {
  if (demands.some(({ need, from }) => need > from.length)) return null;
  const graph = new Graph(demands, servers, cap);
  graph.fill();
  while (graph.lacking > 0) if (!graph.raise()) return null;
  return graph.result();
}

class Graph {
  constructor(demands, servers, cap) {
    this.cap = cap;
    this.lacks = Int32Array.from(demands, ({ need }) => need);
    this.lacking = this.lacks.reduce((all, each) => all + each, 0);
    this.loads = new Int32Array(servers);
    // Edges lie together by demand; `byServer` lists them by server.
    this.first = new Int32Array(demands.length + 1);
    demands.forEach(({ from }, demand) => (this.first[demand + 1] = this.first[demand] + from.length));
    const edges = this.first[demands.length];
    this.demandOf = new Int32Array(edges);
    this.serverOf = new Int32Array(edges);
    this.firstOf = new Int32Array(servers + 1);
    demands.forEach(({ from }, demand) => {
      this.demandOf.fill(demand, this.first[demand], this.first[demand + 1]);
      this.serverOf.set(from, this.first[demand]);
    });
    for (const server of this.serverOf) this.firstOf[server + 1]++;
    for (let server = 0; server < servers; server++) this.firstOf[server + 1] += this.firstOf[server];
    const place = this.firstOf.slice();
    this.byServer = new Int32Array(edges);
    for (let edge = 0; edge < edges; edge++) this.byServer[place[this.serverOf[edge]]++] = edge;
    this.used = new Uint8Array(edges);
  }

  /** Serve from whoever is free. */
  fill() {
    for (let edge = 0; edge < this.used.length; edge++) {
      const demand = this.demandOf[edge];
      if (this.lacks[demand] > 0 && this.loads[this.serverOf[edge]] < this.cap) this.#take(edge, demand);
    }
  }

  #take(edge, demand) {
    this.used[edge] = 1;
    this.loads[this.serverOf[edge]]++;
    this.lacks[demand]--;
    this.lacking--;
  }

  /** One phase: layers from the demands that lack, then paths along the layers to free servers. */
  raise() {
    if (!this.#layer()) return false;
    this.next = this.first.slice();
    this.nextOf = this.firstOf.slice();
    for (let demand = 0; demand < this.lacks.length; demand++) {
      while (this.lacks[demand] > 0) if (!this.#augment(demand)) break;
    }
    return true;
  }

  #layer() {
    this.depth = new Int32Array(this.lacks.length).fill(-1);
    this.depthOf = new Int32Array(this.loads.length).fill(-1);
    const queue = [];
    for (let demand = 0; demand < this.lacks.length; demand++) {
      if (this.lacks[demand] === 0) continue;
      this.depth[demand] = 0;
      queue.push(demand);
    }
    let reachesFree = false;
    for (const demand of queue) {
      for (let edge = this.first[demand]; edge < this.first[demand + 1]; edge++) {
        const server = this.serverOf[edge];
        if (this.used[edge] || this.depthOf[server] >= 0) continue;
        this.depthOf[server] = this.depth[demand] + 1;
        if (this.loads[server] < this.cap) reachesFree = true;
        for (let i = this.firstOf[server]; i < this.firstOf[server + 1]; i++) {
          const other = this.demandOf[this.byServer[i]];
          if (!this.used[this.byServer[i]] || this.depth[other] >= 0) continue;
          this.depth[other] = this.depthOf[server] + 1;
          queue.push(other);
        }
      }
    }
    return reachesFree;
  }

  /** A path from this demand to a free server; a loop and no recursion, for paths can be long. */
  #augment(start) {
    const path = []; // edge taken, edge given up, edge taken, …
    let demand = start;
    for (;;) {
      const edge = this.#open(demand);
      if (edge < 0) {
        if (path.length === 0) return false;
        path.pop(); // nobody behind the edge that was given up; try the server's next one
        demand = this.demandOf[path[path.length - 1]];
        path.pop();
        continue;
      }
      const server = this.serverOf[edge];
      if (this.loads[server] < this.cap) {
        for (const each of path) this.used[each] ^= 1;
        this.used[edge] = 1;
        this.loads[server]++;
        this.lacks[start]--;
        this.lacking--;
        return true;
      }
      const given = this.#givenUp(server);
      if (given < 0) {
        this.next[demand]++;
        continue;
      }
      path.push(edge, given);
      demand = this.demandOf[given];
    }
  }

  /** The next unused edge of a demand into the next layer, or -1. */
  #open(demand) {
    for (; this.next[demand] < this.first[demand + 1]; this.next[demand]++) {
      const edge = this.next[demand];
      if (!this.used[edge] && this.depthOf[this.serverOf[edge]] === this.depth[demand] + 1) return edge;
    }
    return -1;
  }

  /** The next edge that a full server could give up, and past it for the next time; or -1. */
  #givenUp(server) {
    while (this.nextOf[server] < this.firstOf[server + 1]) {
      const edge = this.byServer[this.nextOf[server]++];
      if (this.used[edge] && this.depth[this.demandOf[edge]] === this.depthOf[server] + 1) return edge;
    }
    return -1;
  }

  result() {
    return Array.from(this.lacks, (_, demand) => {
      const servers = [];
      for (let edge = this.first[demand]; edge < this.first[demand + 1]; edge++) {
        if (this.used[edge]) servers.push(this.serverOf[edge]);
      }
      return servers;
    });
  }
}
