// A piece in three dimensions, in place of its picture. The light is that of pictures/light.py.

import {
  BufferAttribute, BufferGeometry, CanvasTexture, Color, DoubleSide, Group, Mesh, MeshBasicMaterial,
  MeshStandardMaterial, NeutralToneMapping, PerspectiveCamera, PlaneGeometry, PMREMGenerator, Scene,
  SphereGeometry, Spherical, Vector3, WebGLRenderer,
} from "../vendor/three/three.module.min.js";
import { OrbitControls } from "../vendor/three/OrbitControls.js";

// Direction, half width and half height at distance 1, brightness.
const BOXES = [
  [[-0.75, 0.65, 0.55], 0.62, 0.55, 9],
  [[0.95, 0.25, 0.35], 0.2, 1.1, 8],
  [[0.1, 1, -0.35], 0.9, 0.35, 7],
  [[-0.55, 0.25, -0.9], 0.3, 0.8, 6],
  [[0.35, 0.3, 1], 0.12, 0.7, 4],
];
// Turned and raised, in radians, as in pictures/portrait.py.
const VIEWS = { portrait: [0.72, 0.36], front: [0, 0.06], profile: [1.5, 0.2], below: [0.62, -0.75] };
const FIELD = 22.6;
const KEYS = {
  ArrowLeft: [-0.12, 0, 1], ArrowRight: [0.12, 0, 1], ArrowUp: [0, -0.12, 1], ArrowDown: [0, 0.12, 1],
  "+": [0, 0, 0.9], "=": [0, 0, 0.9], "-": [0, 0, 1.1],
};

export class Stage {
  /** Puts a canvas into `figure` beside its picture, which is hidden while the canvas works. */
  constructor(figure, { label, help, colour, view = "portrait" }) {
    this.figure = figure;
    this.picture = figure.querySelector("img");
    this.renderer = new WebGLRenderer({ antialias: true, alpha: true });
    this.renderer.toneMapping = NeutralToneMapping;
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2));
    this.canvas = this.renderer.domElement;
    this.canvas.className = "stage__canvas";
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    if (help) this.canvas.setAttribute("aria-describedby", help);
    this.describe(label);

    this.scene = new Scene();
    this.scene.environment = studio(this.renderer);
    this.scene.environmentIntensity = 1.45;
    this.piece = new Group();
    this.scene.add(this.piece);
    this.metal = new MeshStandardMaterial({ metalness: 1, roughness: 0.16, side: DoubleSide });
    this.stone = new MeshStandardMaterial({
      color: 0xeef4ff, metalness: 0.1, roughness: 0, flatShading: true, transparent: true,
      opacity: 0.62, envMapIntensity: 2.4, depthWrite: false,
    });
    this.camera = new PerspectiveCamera(FIELD, 1, 1, 5000);
    this.controls = new OrbitControls(this.camera, this.canvas);
    this.controls.enablePan = false;
    this.controls.addEventListener("change", () => this.draw());
    this.canvas.addEventListener("keydown", (event) => this.press(event));
    this.canvas.addEventListener("webglcontextlost", () => this.leave());
    this.view = view;
    this.colour(colour);
    this.sized = new ResizeObserver(() => this.fit());
    this.sized.observe(figure);
  }

  /** Shows `parts`, of which the first is metal and the second, if any, the stone. */
  show(parts) {
    const first = !this.piece.children.length;
    for (const old of this.piece.children) old.geometry.dispose();
    this.piece.clear();
    parts.forEach(({ positions, normals, facets }, number) => {
      const geometry = new BufferGeometry();
      geometry.setAttribute("position", new BufferAttribute(positions, 3));
      if (normals) geometry.setAttribute("normal", new BufferAttribute(normals, normals.length / positions.length * 3, true));
      if (facets) geometry.setIndex(new BufferAttribute(facets, 1));
      if (!normals) geometry.computeVertexNormals();
      this.piece.add(new Mesh(geometry, number ? this.stone : this.metal));
    });
    const metal = this.piece.children[0].geometry;
    metal.computeBoundingBox();
    const middle = metal.boundingBox.getCenter(new Vector3());
    this.size = metal.boundingBox.getSize(new Vector3());
    this.piece.position.copy(middle).negate();
    this.reach = farthest(parts[0].positions, middle) * 1.08;
    this.controls.minDistance = this.reach * 1.6;
    this.controls.maxDistance = this.reach * 12;
    this.layShadow();
    if (first) this.enter();
    else this.draw();
    return this.size;
  }

  colour(colour) {
    this.metal.color = new Color(colour);
    this.draw();
  }

  describe(label) {
    this.canvas.setAttribute("aria-label", label);
  }

  /** Looks from one of the directions that pictures are made from. */
  look(view, turned = 0) {
    const [around, raised] = VIEWS[view] ?? VIEWS.portrait;
    this.camera.position.setFromSpherical(new Spherical(this.reach * 5, Math.PI / 2 - raised, around + turned));
    this.controls.update();
    this.draw();
  }

  enter() {
    this.figure.append(this.canvas);
    if (this.picture) this.picture.hidden = true;
    this.fit();
    if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) return this.look(this.view);
    const began = performance.now();
    this.controls.addEventListener("start", () => (this.turned = true), { once: true });
    const turn = (now) => {
      const left = Math.max(0, 1 - (now - began) / 900);
      this.look(this.view, 0.8 * left ** 3);
      if (left && this.canvas.isConnected && !this.turned) requestAnimationFrame(turn);
    };
    requestAnimationFrame(turn);
  }

  /** Gives way to the picture again. */
  leave() {
    this.canvas.remove();
    this.sized.disconnect();
    if (this.picture?.src) this.picture.hidden = false;
    this.figure.dispatchEvent(new CustomEvent("stageleft"));
  }

  press(event) {
    const key = KEYS[event.key];
    if (!key || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const at = new Spherical().setFromVector3(this.camera.position);
    at.theta += key[0];
    at.phi = Math.min(Math.PI - 0.05, Math.max(0.05, at.phi + key[1]));
    at.radius = Math.min(this.controls.maxDistance, Math.max(this.controls.minDistance, at.radius * key[2]));
    this.camera.position.setFromSpherical(at);
    this.controls.update();
    this.draw();
  }

  fit() {
    const side = this.canvas.clientWidth || this.figure.clientWidth;
    if (!side) return;
    this.renderer.setSize(side, side, false);
    this.draw();
  }

  draw() {
    if (this.waiting || !this.piece.children.length) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.shadow.visible = this.camera.position.y > 0;
      this.camera.lookAt(0, 0, 0);
      this.renderer.render(this.scene, this.camera);
    });
  }

  layShadow() {
    if (!this.shadow) {
      const material = new MeshBasicMaterial({ map: softSpot(), transparent: true, depthWrite: false });
      this.shadow = new Mesh(new PlaneGeometry(1, 1).rotateX(-Math.PI / 2), material);
      this.scene.add(this.shadow);
    }
    this.shadow.scale.set(this.size.x * 1.15, 1, Math.max(this.size.z * 2, this.size.x * 0.4));
    this.shadow.position.y = -this.size.y / 2 - 0.01;
  }
}

function studio(renderer) {
  const scene = new Scene();
  const room = new SphereGeometry(20, 32, 24);
  const colours = [];
  const heights = room.getAttribute("position");
  for (let point = 0; point < heights.count; point += 1) {
    const height = heights.getY(point) / 20;
    const light = (height > 0 ? 0.12 + 0.4 * height ** 0.6 : 0.5 - 0.3 * (-height) ** 0.5)
      + 0.4 * Math.exp(-((height / 0.12) ** 2));
    colours.push(light, light, light * 0.98);
  }
  room.setAttribute("color", new BufferAttribute(new Float32Array(colours), 3));
  scene.add(new Mesh(room, new MeshBasicMaterial({ vertexColors: true, side: DoubleSide })));
  for (const [at, wide, high, bright] of BOXES) {
    const box = new Mesh(
      new PlaneGeometry(20 * wide, 20 * high),
      new MeshBasicMaterial({ color: new Color(bright, bright, bright), side: DoubleSide }),
    );
    box.position.set(...at).setLength(10);
    box.lookAt(0, 0, 0);
    scene.add(box);
  }
  const generator = new PMREMGenerator(renderer);
  const { texture } = generator.fromScene(scene, 0.02, 0.1, 100, { size: 128 });
  generator.dispose();
  return texture;
}

function softSpot() {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 128;
  const pen = canvas.getContext("2d");
  const fade = pen.createRadialGradient(64, 64, 0, 64, 64, 64);
  fade.addColorStop(0, "rgb(40 30 20 / 55%)");
  fade.addColorStop(0.45, "rgb(40 30 20 / 22%)");
  fade.addColorStop(1, "rgb(40 30 20 / 0%)");
  pen.fillStyle = fade;
  pen.fillRect(0, 0, 128, 128);
  return new CanvasTexture(canvas);
}

function farthest(positions, from) {
  let most = 0;
  for (let at = 0; at < positions.length; at += 3) {
    const x = positions[at] - from.x, y = positions[at + 1] - from.y, z = positions[at + 2] - from.z;
    most = Math.max(most, x * x + y * y + z * z);
  }
  return Math.sqrt(most);
}
