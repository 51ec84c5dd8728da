"""Every adapter that speaks HTTP, as the contract drives it."""

from .contract import (
    test_comfyui,
    test_google,
    test_google_veo,
    test_kling,
    test_luma,
    test_luma_agents,
    test_openai,
    test_openai_videos,
)
from .contract.harness import Harness

VENDORS: dict[str, Harness] = {
    "comfyui": test_comfyui.HARNESS,
    "google": test_google.TestOmni.harness,
    "google-image": test_google.TestImages.harness,
    "google-veo": test_google_veo.TestVeo.harness,
    "kling": test_kling.HARNESS,
    "luma": test_luma.TestLuma.harness,
    "luma-agents": test_luma_agents.TestRay.harness,
    "openai": test_openai.TestImages.harness,
    "openai-videos": test_openai_videos.HARNESS,
}
